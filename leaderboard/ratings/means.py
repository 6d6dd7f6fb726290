"""Weighted means per model with clustered covariance: the core of every win rate."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leaderboard.ratings.clusters import ClusterPlan
from leaderboard.ratings.intervals import Reach
from leaderboard.ratings.meat import RowScores, clustered_meat
from leaderboard.ratings.ratings import Estimate


@dataclass(frozen=True, slots=True)
class Share:
    """What n rows give to one side each.

    ``model``: int32[n]. ``value``: float64[n]. ``weight``: float64[n], zero for "does not count".
    """

    model: NDArray[np.int32]
    value: NDArray[np.float64]
    weight: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Means:
    """Means per model.

    ``mean``: float64[m], NaN without weight. ``covariance``: float64[m, m], NaN where one cluster
    is all there is. ``weight``: float64[m]. ``clusters``: int64[m], independent clusters behind a
    mean whose rows all agree; 0 for the others, whose spread speaks for itself.
    """

    mean: NDArray[np.float64]
    covariance: NDArray[np.float64]
    weight: NDArray[np.float64]
    clusters: NDArray[np.int64]


def weighted_means(n_models: int, shares: tuple[Share, ...], plan: ClusterPlan) -> Means:
    """Mean of ``value`` per model over all shares, and its cluster-robust covariance.

    Linearised ratio estimator: row i moves the mean of its model by w_i (v_i - mean) / Σw; the
    covariance sums outer products over clusters (Cochran 1977, section 6.13, for one cluster
    kind). With independent rows of weight one the variance is the sample's over n. A model with
    one cluster has no spread to learn from: its variance is NaN.
    """
    total, weight = np.zeros(n_models), np.zeros(n_models)
    for share in shares:
        total += np.bincount(share.model, share.weight * share.value, minlength=n_models)
        weight += np.bincount(share.model, share.weight, minlength=n_models)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = total / weight
    entries = tuple((share.model, _influence(share, mean, weight)) for share in shares)
    covariance = clustered_meat(RowScores(n_models, entries), plan)
    clusters = clusters_behind(n_models, shares, plan, np.diag(covariance) <= 0)
    has_spread = (weight > 0) & (clusters != 1)
    covariance[~has_spread, :] = np.nan
    covariance[:, ~has_spread] = np.nan
    return Means(mean, covariance, weight, clusters)


def _influence(
    share: Share, mean: NDArray[np.float64], weight: NDArray[np.float64]
) -> NDArray[np.float64]:
    with np.errstate(invalid="ignore", divide="ignore"):
        moved = share.weight * (share.value - mean[share.model]) / weight[share.model]
    return np.where(share.weight > 0, moved, 0.0)


def clusters_behind(
    n_models: int, shares: tuple[Share, ...], plan: ClusterPlan, wanted: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """int64[m], clusters (of the coarsest kind) with weight on each ``wanted`` model, else 0."""
    _, group = min((term for term in plan.terms if term[0] > 0), key=lambda t: t[1].n_clusters)
    number = np.zeros(n_models, dtype=np.int64)
    for model in np.flatnonzero(wanted):
        seen = [group.label[(s.model == model) & (s.weight > 0)] for s in shares]
        number[model] = np.unique(np.concatenate(seen)).size
    return number


def share_estimate(means: Means, reach: Reach, component: NDArray[np.int64]) -> Estimate:
    """Shares in percent with Wilson intervals (``share_ends``)."""
    lower, upper = share_ends(means, reach)
    return Estimate(
        rating=means.mean,
        lower=lower,
        upper=upper,
        covariance=means.covariance,
        component=component,
    )


def share_ends(
    means: Means, reach: Reach, *, top: float = 100.0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Interval ends of means that live between 0 and ``top``, by Wilson's score interval.

    The sample size that gives the clustered variance, p(1-p)/variance, stands for n (Korn &
    Graubard 1998, with Wilson's ends). Where all rows agree it is the number of clusters: ten
    wins of ten leave [72, 100] rather than [100, 100]. NaN-mean models have NaN ends.
    """
    p = means.mean / top
    variance = np.diag(means.covariance) / top**2
    with np.errstate(invalid="ignore", divide="ignore"):
        size = np.where(means.clusters > 0, means.clusters, p * (1 - p) / variance)
    z2 = reach.multiple**2
    if np.isinf(z2):
        whole = np.where(np.isnan(p), np.nan, 1.0)
        return 0 * whole, top * whole
    centre = (p + z2 / (2 * size)) / (1 + z2 / size)
    half = np.sqrt(z2 * p * (1 - p) / size + (z2 / (2 * size)) ** 2) / (1 + z2 / size)
    return top * np.clip(centre - half, 0, 1), top * np.clip(centre + half, 0, 1)
