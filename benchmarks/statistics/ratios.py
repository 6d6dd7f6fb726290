"""The error of a ratio of two sums over samples, such as log-likelihood per word."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def ratio_error(sums: Sequence[float], weights: Sequence[float]) -> float | None:
    """Standard error of ``sum(sums) / sum(weights)`` over independent samples.

    Linearised: residuals ``y - r w`` vary about 0 (W. Cochran, Sampling Techniques, 1977, 6.3).
    None for fewer than two samples.
    """
    y, w = np.asarray(sums, dtype=float), np.asarray(weights, dtype=float)
    if len(y) < 2:
        return None
    residuals = y - y.sum() / w.sum() * w
    spread = len(y) / (len(y) - 1) * float(residuals @ residuals)
    return float(np.sqrt(spread) / w.sum())
