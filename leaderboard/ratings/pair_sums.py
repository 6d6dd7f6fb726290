"""Sums over ordered pairs of models, turned into gradients and curvatures of strengths."""

import numpy as np
from numpy.typing import NDArray


def laplacian(pairs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Σ over ordered pairs of ``pairs[a, b] · (e_a - e_b)(e_a - e_b)ᵀ``, float64[m, m]."""
    both = pairs + pairs.T
    matrix = -both
    np.fill_diagonal(matrix, both.sum(axis=1) - np.diag(both))
    return matrix


def difference_rows(pairs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Σ over ordered pairs of ``pairs[a, b] · (e_a - e_b)``, float64[m]."""
    total: NDArray[np.float64] = pairs.sum(axis=1) - pairs.sum(axis=0)
    return total


def bin_sums(
    key: NDArray[np.intp] | NDArray[np.int32], value: NDArray[np.float64], size: int
) -> NDArray[np.float64]:
    """float64[size], the sum of ``value`` at each ``key``."""
    return np.asarray(np.bincount(key, value, minlength=size), dtype=np.float64)
