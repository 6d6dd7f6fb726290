"""Observed share of points per pair of models, with an error that respects clusters."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leaderboard.ratings.clusters import ClusterPlan
from leaderboard.ratings.comparisons import Comparisons, Outcome
from leaderboard.ratings.pair_sums import bin_sums
from leaderboard.ratings.strengths import SCORE_OF_A


@dataclass(frozen=True, slots=True)
class PairShares:
    """Unordered pairs that met: ``first`` < ``second``, intp[c]. ``share``: float64[c], of the
    points, to ``first``. ``error``: float64[c], its standard error; NaN from one cluster only.
    ``games``: float64[c], weight of the rows. ``clusters``: int64[c].
    """

    first: NDArray[np.intp]
    second: NDArray[np.intp]
    share: NDArray[np.float64]
    error: NDArray[np.float64]
    games: NDArray[np.float64]
    clusters: NDArray[np.int64]


def pair_shares(rows: Comparisons, plan: ClusterPlan, *, both_bad_is_tie: bool) -> PairShares:
    """Share and clustered error of each pair. Under two-way clustering the coarser kind counts."""
    m = rows.n_models
    counts = rows.weight > 0
    if not both_bad_is_tie:
        counts &= rows.outcome != Outcome.BOTH_BAD
    used = np.flatnonzero(counts)
    a, b = rows.model_a[used].astype(np.intp), rows.model_b[used].astype(np.intp)
    key = np.minimum(a, b) * m + np.maximum(a, b)
    weight, score = rows.weight[used], SCORE_OF_A[rows.outcome[used]]
    taken = np.where(a < b, score, 1 - score)
    games = bin_sums(key, weight, m * m)
    with np.errstate(invalid="ignore"):
        share = bin_sums(key, weight * taken, m * m) / games
    variance, clusters = _clustered(key, weight * (taken - share[key]), used, plan, m * m)
    met = np.flatnonzero(games > 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        factor = clusters[met] / (clusters[met] - 1.0)
        error = np.sqrt(variance[met] * factor) / games[met]
    error[clusters[met] < 2] = np.nan
    return PairShares(met // m, met % m, share[met], error, games[met], clusters[met])


def _clustered(
    key: NDArray[np.intp],
    residual: NDArray[np.float64],
    used: NDArray[np.intp],
    plan: ClusterPlan,
    size: int,
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Per cell, the sum of squared cluster sums, and the number of clusters."""
    _, group = min((term for term in plan.terms if term[0] > 0), key=lambda t: t[1].n_clusters)
    joint = key * group.n_clusters + group.label[used]
    order = np.argsort(joint)
    ordered = joint[order]
    is_start = np.ones(ordered.size, dtype=bool)
    is_start[1:] = ordered[1:] != ordered[:-1]
    start = np.flatnonzero(is_start)
    sums = np.add.reduceat(residual[order], start) if start.size else np.empty(0)
    cell = key[order[start]]
    number = np.bincount(cell, minlength=size).astype(np.int64)
    return bin_sums(cell, np.square(sums), size), number
