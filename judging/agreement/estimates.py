"""Estimates with intervals that respect clusters."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri, stdtrit

FloatArray: TypeAlias = NDArray[np.float64]
Clusters: TypeAlias = Sequence[Hashable]
Statistic: TypeAlias = Callable[[FloatArray], FloatArray]

DEFAULT_ROUNDS = 1_000
DEFAULT_CONFIDENCE = 0.95
_ROUNDS_AT_ONCE = 50  # bounds memory: 50 x clusters counts
_MANY_CLUSTERS = 1_000  # from here on clusters that add the same are drawn together


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number, its interval, and what it rests on.

    ``value`` is ``None`` when there is nothing to estimate from; ``lower`` and ``upper`` are
    ``None`` as well with fewer than two clusters, which say nothing about their spread.
    """

    value: float | None
    lower: float | None
    upper: float | None
    n: int
    n_clusters: int


def cluster_bootstrap(
    sums: FloatArray,
    statistic: Statistic,
    *,
    n: int,
    seed: int,
    rounds: int = DEFAULT_ROUNDS,
    confidence: float = DEFAULT_CONFIDENCE,
) -> Estimate:
    """Percentile interval of a statistic of sums, resampling clusters with replacement.

    ``sums`` has shape (clusters, d): what each cluster adds to the d totals. ``statistic`` maps
    totals of shape (…, d) to values of shape (…), ``nan`` where it is undefined. Resamples in
    which it is undefined are left out. ``n`` is the number of observations, for the record.
    With few clusters the percentiles lie further out, see ``interval_of``.
    Source: Efron & Tibshirani 1993, ch. 13; resampling clusters: Field & Welsh 2007.
    """
    return interval_of(
        statistic(sums.sum(axis=0)) if len(sums) else np.array(np.nan),
        statistic(resampled_totals(sums, seed=seed, rounds=rounds)) if len(sums) > 1 else None,
        n=n,
        n_clusters=len(sums),
        confidence=confidence,
    )


def resampled_totals(sums: FloatArray, *, seed: int, rounds: int) -> FloatArray:
    """Totals of ``rounds`` resamples of the clusters: shape (clusters, d) to (rounds, d).

    Of many clusters those that add the same are drawn together: how often any of them is drawn
    follows the multinomial distribution of their joint share, so nothing else changes.
    """
    n_clusters = len(sums)
    shares = np.full(n_clusters, 1 / n_clusters)
    if n_clusters > _MANY_CLUSTERS:
        sums, copies = np.unique(sums, axis=0, return_counts=True)
        shares = copies / n_clusters
    generator = np.random.default_rng(seed)
    chunks = []
    for start in range(0, rounds, _ROUNDS_AT_ONCE):
        size = min(_ROUNDS_AT_ONCE, rounds - start)
        counts = generator.multinomial(n_clusters, shares, size=size)
        chunks.append(counts.astype(np.float64) @ sums)
    return np.concatenate(chunks)


def interval_of(
    value: FloatArray,
    resampled: FloatArray | None,
    *,
    n: int,
    n_clusters: int,
    confidence: float = DEFAULT_CONFIDENCE,
) -> Estimate:
    """A value with the percentile interval of its resamples, of shape (rounds,).

    Percentile intervals of few clusters are too narrow, as normal ones with the uncorrected
    standard deviation are; the percentiles are those at which the normal interval would equal
    Student's. Source: Hesterberg 2015, "What Teachers Should Know About the Bootstrap".
    """
    if np.isnan(value):
        return Estimate(None, None, None, n, n_clusters)
    if resampled is None or n_clusters < 2:
        return Estimate(float(value), None, None, n, n_clusters)
    reach = stdtrit(n_clusters - 1, (1 + confidence) / 2)
    tail = float(ndtr(-reach * sqrt(n_clusters / (n_clusters - 1))))
    lower, upper = np.nanquantile(resampled, (tail, 1 - tail))
    return Estimate(float(value), float(lower), float(upper), n, n_clusters)


def mean(
    values: ArrayLike, clusters: Clusters, *, seed: int = 0, rounds: int = DEFAULT_ROUNDS
) -> Estimate:
    """The mean over observations, with an interval over clusters. ``values`` has shape (n,)."""
    column = np.asarray(values, dtype=np.float64)
    sums = cluster_sums(np.column_stack((column, np.ones(len(column)))), clusters)
    return cluster_bootstrap(sums, ratio, n=len(column), seed=seed, rounds=rounds)


def proportion(
    hits: ArrayLike, clusters: Clusters, *, seed: int = 0, rounds: int = DEFAULT_ROUNDS
) -> Estimate:
    """The share of hits, with an interval over clusters. ``hits`` has shape (n,), 0 or 1.

    When every resample is alike, as with all or none hits, the bootstrap would claim certainty;
    then the interval is Wilson's for as many observations as there are clusters.
    """
    return never_certain(mean(hits, clusters, seed=seed, rounds=rounds))


def never_certain(estimate: Estimate) -> Estimate:
    """A share whose resamples were all alike with Wilson's interval, any other as it is."""
    if estimate.value is None or estimate.lower is None or estimate.lower != estimate.upper:
        return estimate
    lower, upper = wilson_interval(estimate.value, estimate.n_clusters)
    return Estimate(estimate.value, lower, upper, estimate.n, estimate.n_clusters)


def wilson_interval(
    share: float, n: int, confidence: float = DEFAULT_CONFIDENCE
) -> tuple[float, float]:
    """Wilson's score interval of a proportion. Source: Wilson 1927."""
    z = float(ndtri((1 + confidence) / 2))
    scale = 1 + z * z / n
    centre = (share + z * z / (2 * n)) / scale
    half = z / scale * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)


def cluster_sums(rows: FloatArray, clusters: Clusters) -> FloatArray:
    """Sum ``rows`` of shape (n, d) within clusters: shape (clusters, d), in order of appearance.

    Raises ValueError when there is not one cluster per row.
    """
    require_same_length(rows=rows, clusters=clusters)
    codes: dict[Hashable, int] = {}
    index = np.array([codes.setdefault(cluster, len(codes)) for cluster in clusters], dtype=np.intp)
    sums = np.zeros((len(codes), rows.shape[1]))
    np.add.at(sums, index, rows)
    return sums


def ratio(totals: FloatArray) -> FloatArray:
    """First total over second, ``nan`` where the second is 0. Shape (…, 2) to (…)."""
    return divide(totals[..., 0], totals[..., 1])


def divide(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    """Element-wise quotient, ``nan`` where the denominator is 0."""
    result = np.full(np.shape(numerator), np.nan)
    np.divide(numerator, denominator, out=result, where=np.asarray(denominator) != 0)
    return result


# Any: sized columns of whatever kind; only their lengths are looked at.
def require_same_length(**columns: Any) -> None:
    """Raise ValueError that names the columns when their lengths differ."""
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"columns differ in length: {lengths}")
