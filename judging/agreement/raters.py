"""Do two raters, or many, decide alike?"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from judging.agreement.battles import CODES, EVEN, OUTCOMES
from judging.agreement.estimates import (
    DEFAULT_ROUNDS,
    Clusters,
    Estimate,
    FloatArray,
    Statistic,
    cluster_bootstrap,
    cluster_sums,
    divide,
    interval_of,
    never_certain,
    proportion,
    require_same_length,
    resampled_totals,
    wilson_interval,
)
from judging.verdicts.base import Outcome

Ties: TypeAlias = Literal["keep", "drop"]
_N_CODES = len(OUTCOMES)
_TIE = EVEN


class Scale(StrEnum):
    """What differences between ratings mean."""

    NOMINAL = "nominal"
    ORDINAL = "ordinal"
    INTERVAL = "interval"


def agreement(
    first: Sequence[Outcome],
    second: Sequence[Outcome],
    clusters: Clusters,
    *,
    ties: Ties = "keep",
    seed: int = 0,
    rounds: int = DEFAULT_ROUNDS,
) -> Estimate:
    """The share of battles on which two raters name the same outcome.

    ``ties="drop"`` looks only at battles that both decided (the "without ties" setup of Zheng et
    al. 2023, table 5), so chance is 1/2; with ties kept it is about 1/3. Columns have shape (n,).
    """
    codes_first, codes_second, chosen = _aligned(first, second, clusters, ties)
    hits = codes_first[chosen] == codes_second[chosen]
    kept = [cluster for cluster, is_kept in zip(clusters, chosen, strict=True) if is_kept]
    return proportion(hits, kept, seed=seed, rounds=rounds)


def cohen_kappa(
    first: Sequence[Outcome],
    second: Sequence[Outcome],
    clusters: Clusters,
    *,
    ties: Ties = "keep",
    seed: int = 0,
    rounds: int = DEFAULT_ROUNDS,
) -> Estimate:
    """Agreement beyond chance, (p_o - p_e) / (1 - p_e), unweighted over three outcomes.

    Undefined (``None``) when both raters always say the same one thing. Source: Cohen 1960.
    Raters who never differ are not certain to agree: see ``_never_perfect``.
    """
    codes_first, codes_second, chosen = _aligned(first, second, clusters, ties)
    rows = np.zeros((len(codes_first), _N_CODES * _N_CODES))
    rows[np.arange(len(rows)), codes_first * _N_CODES + codes_second] = 1.0
    kept = [cluster for cluster, is_kept in zip(clusters, chosen, strict=True) if is_kept]
    sums = cluster_sums(rows[chosen], kept)
    found = cluster_bootstrap(sums, _kappa, n=int(chosen.sum()), seed=seed, rounds=rounds)
    return _never_perfect(found, float(1 - _chance(sums.sum(axis=0))))


@dataclass(frozen=True, slots=True)
class TwoRaters:
    """What two raters have in common, with intervals from the same resamples."""

    with_ties: Estimate
    without_ties: Estimate
    kappa: Estimate


def compare_raters(tables: FloatArray, *, seed: int = 0, rounds: int = DEFAULT_ROUNDS) -> TwoRaters:
    """``agreement`` with and without ties, and ``cohen_kappa``, of pairs that are counted already.

    ``tables`` has shape (clusters, 3, 3): how often the first rater said the row's outcome and the
    second the column's (side a, side b, tie). Empty clusters are left out. Clusters resemble each
    other across the three, so one set of resamples serves all.
    """
    tables = tables[tables.sum(axis=(1, 2)) > 0]
    n_clusters = len(tables)
    flat = tables.reshape(n_clusters, _N_CODES * _N_CODES)
    decided = tables[:, :_TIE, :_TIE].sum(axis=(1, 2))
    totals = flat.sum(axis=0)
    drawn = resampled_totals(flat, seed=seed, rounds=rounds) if len(flat) > 1 else None

    def estimate(statistic: Statistic, n: float, n_clusters: int) -> Estimate:
        resampled = None if drawn is None else statistic(drawn)
        return interval_of(statistic(totals), resampled, n=int(n), n_clusters=n_clusters)

    return TwoRaters(
        with_ties=never_certain(estimate(_agreement, totals.sum(), n_clusters)),
        without_ties=never_certain(
            estimate(_agreement_if_decided, decided.sum(), int((decided > 0).sum()))
        ),
        kappa=_never_perfect(
            estimate(_kappa, totals.sum(), n_clusters), float(1 - _chance(totals))
        ),
    )


def krippendorff_alpha(
    ratings: Sequence[Sequence[float | None]],
    *,
    scale: Scale = Scale.NOMINAL,
    seed: int = 0,
    rounds: int = DEFAULT_ROUNDS,
) -> Estimate:
    """Reliability of any number of raters with gaps: 1 - observed / expected disagreement.

    ``ratings[unit][rater]`` is a number (a code on the nominal scale) or ``None``. Units with
    fewer than two ratings say nothing and are left out. The interval resamples units. Undefined
    (``None``) when all ratings are equal. Source: Krippendorff 2011, "Computing Krippendorff's
    Alpha-Reliability", in coincidence-matrix form.
    """
    pairable = [[value for value in unit if value is not None] for unit in ratings]
    levels = np.unique([value for unit in pairable if len(unit) > 1 for value in unit])
    units = [unit for unit in pairable if len(unit) > 1]
    counts = np.zeros((len(units), len(levels)))
    for row, unit in zip(counts, units, strict=True):
        np.add.at(row, np.searchsorted(levels, unit), 1)
    return alpha_of_counts(counts, levels=levels, scale=scale, seed=seed, rounds=rounds)


def alpha_of_counts(
    counts: FloatArray,
    *,
    clusters: NDArray[np.int64] | None = None,
    levels: FloatArray | None = None,
    scale: Scale = Scale.NOMINAL,
    seed: int = 0,
    rounds: int = DEFAULT_ROUNDS,
) -> Estimate:
    """``krippendorff_alpha`` of units whose ratings are counted: shape (units, levels).

    ``clusters`` of shape (units,) are what the interval resamples, units alone where not given.
    ``levels`` are the ratings themselves, in order; on the nominal scale they do not matter.
    """
    values = np.arange(counts.shape[1], dtype=np.float64) if levels is None else levels
    has_pairs = counts.sum(axis=1) > 1
    paired = counts[has_pairs]
    sums = _coincidences(paired)
    if clusters is not None and len(paired):
        _, places = np.unique(clusters[has_pairs], return_inverse=True)
        by_cluster = np.zeros((int(places.max()) + 1, sums.shape[1]))
        np.add.at(by_cluster, places, sums)
        sums = by_cluster
    n_levels = len(values)

    def alpha(totals: FloatArray) -> FloatArray:
        return _alpha(totals.reshape(*totals.shape[:-1], n_levels, n_levels), values, scale)

    n = int(paired.sum())
    found = cluster_bootstrap(sums, alpha, n=n, seed=seed, rounds=rounds)
    if scale is not Scale.NOMINAL or found.value is None:
        return found
    margins = paired.sum(axis=0)
    return _never_perfect(found, 1 - (margins * (margins - 1)).sum() / (n * (n - 1)))


def _never_perfect(estimate: Estimate, chance_disagreement: float) -> Estimate:
    """A coefficient of 1 with what Wilson's interval leaves open, any other as it is.

    When raters never differ, every resample is alike and the bootstrap would claim certainty. As
    many agreements as there are clusters leave a disagreement of up to ``1 - lower`` open, which
    counts by the disagreement that chance would give.
    """
    if estimate.value != 1.0 or estimate.n_clusters < 2:
        return estimate
    sure, _ = wilson_interval(1.0, estimate.n_clusters)
    lower = max(-1.0, 1 - (1 - sure) / chance_disagreement)
    return Estimate(1.0, lower, 1.0, estimate.n, estimate.n_clusters)


def _aligned(
    first: Sequence[Outcome], second: Sequence[Outcome], clusters: Clusters, ties: Ties
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.bool_]]:
    require_same_length(first=first, second=second, clusters=clusters)
    codes_first = np.array([CODES[outcome] for outcome in first], dtype=np.intp)
    codes_second = np.array([CODES[outcome] for outcome in second], dtype=np.intp)
    if ties == "keep":
        return codes_first, codes_second, np.ones(len(codes_first), dtype=np.bool_)
    return codes_first, codes_second, (codes_first != _TIE) & (codes_second != _TIE)


def _kappa(totals: FloatArray) -> FloatArray:
    table = totals.reshape(*totals.shape[:-1], _N_CODES, _N_CODES)
    n = table.sum(axis=(-2, -1))
    observed = divide(np.trace(table, axis1=-2, axis2=-1), n)
    expected = _chance(totals)
    return divide(observed - expected, 1 - expected)


def _chance(totals: FloatArray) -> FloatArray:
    """Agreement of independent raters with these margins."""
    table = totals.reshape(*totals.shape[:-1], _N_CODES, _N_CODES)
    n = table.sum(axis=(-2, -1))
    return divide((table.sum(axis=-1) * table.sum(axis=-2)).sum(axis=-1), n * n)


def _agreement(totals: FloatArray) -> FloatArray:
    table = totals.reshape(*totals.shape[:-1], _N_CODES, _N_CODES)
    return divide(np.trace(table, axis1=-2, axis2=-1), table.sum(axis=(-2, -1)))


def _agreement_if_decided(totals: FloatArray) -> FloatArray:
    table = totals.reshape(*totals.shape[:-1], _N_CODES, _N_CODES)[..., :_TIE, :_TIE]
    return divide(np.trace(table, axis1=-2, axis2=-1), table.sum(axis=(-2, -1)))


def _coincidences(counts: FloatArray) -> FloatArray:
    """What each unit adds to the coincidence matrix: (units, levels) to (units, levels²)."""
    pairs = counts[:, :, None] * counts[:, None, :]
    levels = np.arange(counts.shape[1])
    pairs[:, levels, levels] -= counts
    pairs /= (counts.sum(axis=1) - 1)[:, None, None]
    return pairs.reshape(len(counts), counts.shape[1] ** 2)


def _alpha(matrix: FloatArray, levels: FloatArray, scale: Scale) -> FloatArray:
    margins = matrix.sum(axis=-1)
    n = margins.sum(axis=-1)
    distance = _squared_distance(margins, levels, scale)
    observed = (matrix * distance).sum(axis=(-2, -1))
    chance = margins[..., :, None] * margins[..., None, :] * distance
    return 1 - divide(observed * (n - 1), chance.sum(axis=(-2, -1)))


def _squared_distance(margins: FloatArray, levels: FloatArray, scale: Scale) -> FloatArray:
    """Shape (…, levels, levels)."""
    if scale is Scale.NOMINAL:
        return 1 - np.eye(len(levels))
    if scale is Scale.INTERVAL:
        difference: FloatArray = levels[:, None] - levels[None, :]
        return difference**2
    # Ratings up to the middle of each level: the difference counts those between two levels.
    rank = margins.cumsum(axis=-1) - margins / 2
    between: FloatArray = rank[..., :, None] - rank[..., None, :]
    return between**2
