"""Small matrix operations that several fits share."""

import numpy as np
from numpy.typing import NDArray

from leaderboard.ratings.cells import Connectivity


def pseudo_inverse(curvature: NDArray[np.float64]) -> NDArray[np.float64]:
    """Inverse of a positive semi-definite matrix; directions without curvature map to zero.

    Directions the data cannot tell apart thus get the smallest-norm answer.
    """
    value, vector = np.linalg.eigh(curvature)
    keep = value > 1e-11 * value.max(initial=0.0)
    inverse: NDArray[np.float64] = (vector[:, keep] / value[keep]) @ vector[:, keep].T
    return inverse


def centring(connectivity: Connectivity, n_extra: int) -> NDArray[np.float64]:
    """float64[m + extra, m + extra], takes each component's mean out of its strengths.

    Strengths of models without a battle map to zero, further parameters to themselves.
    """
    m = connectivity.component.size
    project = np.eye(m + n_extra)
    project[np.arange(m), np.arange(m)] = connectivity.component >= 0
    for label in range(connectivity.n_components):
        members = connectivity.component == label
        project[:m, :m] -= np.outer(members, members) / members.sum()
    return project
