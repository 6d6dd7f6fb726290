"""From ratings with uncertainty to ranks with uncertainty."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

if TYPE_CHECKING:
    from leaderboard.ratings.ratings import Ratings

Bounds = tuple[NDArray[np.int64], NDArray[np.int64]]


def rank_bounds(
    lower: NDArray[np.float64],
    upper: NDArray[np.float64],
    *,
    component: NDArray[np.int64] | None = None,
    is_rated: NDArray[np.bool_] | None = None,
) -> Bounds:
    """Best and worst plausible rank, int64[m] each, from marginal intervals.

    The best rank is LMArena's "rank upper bound": one plus the models whose whole interval lies
    above, strictly (``lower[other] > upper[model]``). The worst is the number of models minus
    those whose whole interval lies below. Only models of one ``component`` are compared. An
    unrated model has ranks 0 and 0; a rated one without an interval (NaN) spans all ranks.
    """
    m = lower.shape[0]
    group = np.zeros(m, dtype=np.int64) if component is None else component
    rated = np.ones(m, dtype=bool) if is_rated is None else is_rated
    comparable = (group[:, None] == group[None, :]) & rated[:, None] & rated[None, :]
    with np.errstate(invalid="ignore"):
        is_above = comparable & (lower[None, :] > upper[:, None])
    best = 1 + is_above.sum(axis=1)
    worst = comparable.sum(axis=1) - is_above.sum(axis=0)
    return np.where(rated, best, 0), np.where(rated, worst, 0)


def simultaneous_rank_bounds(ratings: "Ratings", *, draws: int = 2000, seed: int = 0) -> Bounds:
    """Rank sets that hold for all models at once at ``ratings.level``.

    The critical value is the quantile of the largest studentised difference over all pairs of a
    component, simulated from the covariance (Mogstad, Romano, Shaikh, Wilhelm 2024, "Inference
    for Ranks", the single-step bootstrap with a normal draw). A model is placed below another
    only if their difference exceeds that many standard errors. Wider than ``rank_bounds``, and
    the statement "every model's rank lies in its set" holds at the stated rate.
    """
    m = len(ratings.models)
    best = np.zeros(m, dtype=np.int64)
    worst = np.zeros(m, dtype=np.int64)
    rng = np.random.default_rng(seed)
    for members in _groups(ratings):
        spread = _difference_error(ratings.covariance[np.ix_(members, members)])
        critical = _max_critical(ratings, members, spread, draws, rng)
        gap = ratings.rating[members][None, :] - ratings.rating[members][:, None]
        is_above = gap > critical * spread
        np.fill_diagonal(is_above, False)
        best[members] = 1 + is_above.sum(axis=1)
        worst[members] = members.size - is_above.sum(axis=0)
    return best, worst


def probability_best(
    ratings: "Ratings", *, draws: int = 4000, seed: int = 0
) -> NDArray[np.float64]:
    """float64[m], probability that a model is the best of its component.

    Read off normal draws from the estimate and its covariance (a flat-prior posterior, or the
    bootstrap's limit). NaN for an unrated model. Sums to one within a component.
    """
    chance = np.full(len(ratings.models), np.nan)
    rng = np.random.default_rng(seed)
    for members in _groups(ratings):
        draw = ratings.rating[members] + _normal_draws(ratings, members, draws, rng)
        winners = np.bincount(draw.argmax(axis=1), minlength=members.size)
        chance[members] = winners / draws
    return chance


def probability_above(ratings: "Ratings") -> NDArray[np.float64]:
    """float64[m, m], probability that the row's model is truly above the column's.

    Φ(difference / its standard error), by the covariance. One half on the diagonal, NaN across
    components and for unrated models.
    """
    gap = ratings.rating[:, None] - ratings.rating[None, :]
    spread = _difference_error(ratings.covariance)
    with np.errstate(divide="ignore", invalid="ignore"):
        standard = np.where(gap == 0, 0.0, gap / spread)
    chance: NDArray[np.float64] = ndtr(standard)
    comparable = ratings.component[:, None] == ratings.component[None, :]
    return np.where(comparable & ~np.isnan(gap), chance, np.nan)


def _groups(ratings: "Ratings") -> list[NDArray[np.intp]]:
    has_covariance = ~np.isnan(np.diag(ratings.covariance)) & ~np.isnan(ratings.rating)
    labels = np.unique(ratings.component[has_covariance])
    return [np.flatnonzero((ratings.component == label) & has_covariance) for label in labels]


def _difference_error(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    variance = np.diag(covariance)
    squared = variance[:, None] + variance[None, :] - 2 * covariance
    spread: NDArray[np.float64] = np.sqrt(np.clip(squared, 0, None))
    return spread


def _normal_draws(
    ratings: "Ratings", members: NDArray[np.intp], draws: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    covariance = ratings.covariance[np.ix_(members, members)]
    value, vector = np.linalg.eigh(covariance)
    root = vector * np.sqrt(np.clip(value, 0, None))
    normal: NDArray[np.float64] = rng.standard_normal((draws, members.size)) @ root.T
    return normal


def _max_critical(
    ratings: "Ratings",
    members: NDArray[np.intp],
    spread: NDArray[np.float64],
    draws: int,
    rng: np.random.Generator,
) -> float:
    if members.size < 2:
        return 0.0
    noise = np.ascontiguousarray(_normal_draws(ratings, members, draws, rng).T)
    error = np.where(spread > 0, spread, np.inf)  # two that never differ decide nothing
    largest = np.zeros(draws)
    for i in range(members.size - 1):
        gap = noise[i + 1 :] - noise[i]
        np.abs(gap, out=gap)
        gap /= error[i, i + 1 :, None]
        np.maximum(largest, gap.max(axis=0), out=largest)
    return float(np.quantile(largest, ratings.level))
