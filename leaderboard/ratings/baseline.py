"""Win rates against one fixed opponent: who it is, which rows count, and from whose side."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from leaderboard.ratings.comparisons import Comparisons
from leaderboard.ratings.errors import RatingError
from leaderboard.ratings.intervals import Reach
from leaderboard.ratings.means import Share
from leaderboard.ratings.ratings import Estimate, Ratings
from leaderboard.ratings.scale import points_per_nat


class BaselineError(RatingError):
    """The baseline model cannot serve as one."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """The fixed opponent and the rows it takes part in.

    ``index``: its position. ``is_row``: bool[n]. ``challenger``: int32[n], the other model.
    ``is_side_a``: bool[n], whether the challenger is side A.
    """

    index: int
    is_row: NDArray[np.bool_]
    challenger: NDArray[np.int32]
    is_side_a: NDArray[np.bool_]

    def shares(self, score_of_a: NDArray[np.float64], weight: NDArray[np.float64]) -> Share:
        """What each row gives its challenger; rows without the baseline weigh nothing."""
        value = np.where(self.is_side_a, score_of_a, 1 - score_of_a)
        return Share(self.challenger, value, np.where(self.is_row, weight, 0.0))

    def describe(self, rows: Comparisons) -> dict[str, Any]:
        """Json-able: who it is and how many rows it leaves out."""
        without = int((~self.is_row).sum())
        return {
            "baseline": rows.models[self.index],
            "excluded": {"without_baseline": without} if without else {},
        }


def find_baseline(rows: Comparisons, name: str | None) -> Baseline:
    """``name``, or where it is None the model with the most battles (first listed on a draw)."""
    if name is None:
        battles = np.bincount(rows.model_a, minlength=rows.n_models)
        battles = battles + np.bincount(rows.model_b, minlength=rows.n_models)
        index = int(battles.argmax())
    elif name in rows.models:
        index = rows.models.index(name)
    else:
        raise BaselineError(
            f"baseline {name!r} is not among the models; choose one of: {', '.join(rows.models)}"
        )
    is_side_a = rows.model_b == index
    challenger = np.where(is_side_a, rows.model_a, rows.model_b)
    return Baseline(index, is_side_a | (rows.model_a == index), challenger, is_side_a)


def pin_baseline(estimate: Estimate, index: int, *, value: float = 50.0) -> Estimate:
    """The baseline against itself is ``value`` by definition, without error."""
    for column in (estimate.rating, estimate.lower, estimate.upper):
        column[index] = value
    estimate.covariance[index, :] = 0.0
    estimate.covariance[:, index] = 0.0
    return estimate


def predicted_win_rates(ratings: Ratings, index: int, reach: Reach, *, scale: float) -> Estimate:
    """100 · P(model beats the baseline) from ratings in points; NaN across components.

    The interval is that of the difference in log-odds, mapped to percent, so it stays within 0
    and 100; the covariance is its linearisation.
    """
    unit = points_per_nat(scale)
    m = ratings.rating.size
    logit = (ratings.rating - ratings.rating[index]) / unit
    contrast = np.eye(m)
    contrast[:, index] -= 1.0
    met = ratings.component == ratings.component[index]
    covariance = np.full((m, m), np.nan)
    inner = np.ix_(met, met)
    known = contrast[inner] @ ratings.covariance[inner] @ contrast[inner].T / unit**2
    rate = expit(logit)
    slope = 100 * rate * (1 - rate)
    covariance[inner] = slope[met][:, None] * known * slope[met][None, :]
    half = np.full(m, np.nan)
    half[met] = reach.multiple * np.sqrt(np.clip(np.diag(known), 0, None))
    lower, upper = 100 * expit(logit - half), 100 * expit(logit + half)
    rating = np.where(met, 100 * rate, np.nan)
    component = np.where(met, 0, -1).astype(np.int64)
    return Estimate(
        rating=rating,
        lower=np.where(met, lower, np.nan),
        upper=np.where(met, upper, np.nan),
        covariance=covariance,
        component=component,
    )
