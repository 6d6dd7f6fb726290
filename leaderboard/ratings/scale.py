"""From log-odds to points: location, anchor and what unrated models show."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leaderboard.ratings.errors import RatingError
from leaderboard.ratings.intervals import Reach
from leaderboard.ratings.options import ScaleOptions
from leaderboard.ratings.ratings import Estimate


class AnchorError(RatingError):
    """The anchor cannot carry the scale."""


def points_per_nat(scale: float = 400.0) -> float:
    """Points per unit of log-odds; 173.7178 on the usual scale of 400 per factor of ten."""
    return scale / math.log(10)


def to_points(
    strength: NDArray[np.float64],
    covariance: NDArray[np.float64],
    component: NDArray[np.int64],
    *,
    models: tuple[str, ...],
    options: ScaleOptions,
    freedom: int,
) -> Estimate:
    """Scale log-odds (mean zero per component) and their covariance to points with intervals.

    The anchor moves the location only: intervals stay those of a rating relative to its group's
    mean, so the anchor's own uncertainty remains visible. Raises AnchorError when the anchor is
    unknown or has no battle.
    """
    unit = points_per_nat(options.scale)
    rating = options.init + unit * strength
    if options.anchor_model is not None:
        rating = rating + _anchor_shift(rating, component, models, options)
    in_points = unit**2 * covariance
    in_points[np.isnan(strength), :] = np.nan
    in_points[:, np.isnan(strength)] = np.nan
    lower, upper = Reach(options.level, freedom).ends(rating, in_points)
    return Estimate(
        rating=rating, lower=lower, upper=upper, covariance=in_points, component=component
    )


def _anchor_shift(
    rating: NDArray[np.float64],
    component: NDArray[np.int64],
    models: tuple[str, ...],
    options: ScaleOptions,
) -> NDArray[np.float64]:
    if options.anchor_model not in models:
        raise AnchorError(
            f"anchor model {options.anchor_model!r} is not among the rated models; "
            "choose one of them or drop the anchor"
        )
    anchor = models.index(options.anchor_model)
    if np.isnan(rating[anchor]):
        raise AnchorError(
            f"anchor model {options.anchor_model!r} has no counted battle; choose another anchor"
        )
    moves = component == component[anchor]
    return np.where(moves, options.anchor_value - rating[anchor], 0.0)


def describe_groups(
    component: NDArray[np.int64], is_unbounded: NDArray[np.bool_], models: tuple[str, ...]
) -> dict[str, Any]:
    """Which models form which group, who is alone and who is unbounded; json-able."""
    n_groups = int(component.max(initial=-1)) + 1
    return {
        "components": [
            [models[i] for i in np.flatnonzero(component == label)] for label in range(n_groups)
        ],
        "without_battles": [models[i] for i in np.flatnonzero(component < 0)],
        "unbounded": [models[i] for i in np.flatnonzero(is_unbounded)],
    }
