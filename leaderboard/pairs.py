"""Pair totals and covariances as bytes: what a snapshot keeps for its charts; pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from leaderboard.charts import PairCount
from leaderboard.ratings import Comparisons, Outcome

Pairs = NDArray[np.int32]
_COLUMNS = 6


def pair_totals(comparisons: Comparisons) -> Pairs:
    """int32[k, 6]: both models' places, the first before the second, and the four outcomes."""
    m = comparisons.n_models
    low = np.minimum(comparisons.model_a, comparisons.model_b).astype(np.int64)
    high = np.maximum(comparisons.model_a, comparisons.model_b)
    outcome = comparisons.outcome
    is_turned = (comparisons.model_a != low) & (outcome <= Outcome.MODEL_B)
    turned = np.where(is_turned, 1 - outcome, outcome)
    counts = np.bincount((low * m + high) * 4 + turned, minlength=m * m * 4).reshape(m * m, 4)
    met = np.flatnonzero(counts.sum(axis=1))
    return np.column_stack([met // m, met % m, counts[met]]).astype(np.int32)


def pairs_from_bytes(data: bytes) -> Pairs:
    return np.frombuffer(data, dtype=np.int32).reshape(-1, _COLUMNS)


def pair_counts(pairs: Pairs, models: Sequence[str]) -> list[PairCount]:
    """The same by name."""
    return [
        PairCount(models[i], models[j], wins_a + wins_b + ties + bad, wins_a, wins_b, ties, bad)
        for i, j, wins_a, wins_b, ties, bad in pairs.tolist()
    ]


def triangle_to_bytes(matrix: NDArray[np.float64]) -> bytes:
    """The lower triangle of a symmetric matrix; nothing where it is unknown throughout."""
    triangle = matrix[np.tril_indices(matrix.shape[0])]
    return b"" if np.isnan(triangle).all() else triangle.tobytes()


def triangle_from_bytes(data: bytes, size: int) -> NDArray[np.float64]:
    """float64[size, size], NaN throughout where nothing was kept."""
    matrix = np.full((size, size), np.nan)
    if data:
        matrix[np.tril_indices(size)] = np.frombuffer(data, dtype=np.float64)
        upper = np.triu_indices(size, 1)
        matrix[upper] = matrix.T[upper]
    return matrix
