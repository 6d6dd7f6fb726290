"""Pair totals and covariances as bytes: what a snapshot keeps for its charts; pure."""

from __future__ import annotations

import math
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


def among(pairs: Pairs, places: Sequence[int]) -> Pairs:
    """The pairs between models at ``places``."""
    return pairs[np.isin(pairs[:, 0], places) & np.isin(pairs[:, 1], places)]


def average_win_rates(pairs: Pairs, n_models: int) -> NDArray[np.float64]:
    """float64[m], the plain mean over a model's opponents, so that frequent pairs weigh no more.

    A tie is half a win, "both bad" is nobody's; NaN for a model without a counted battle.
    """
    won, lost, ties = (pairs[:, column].astype(np.float64) for column in (2, 3, 4))
    counted = won + lost + ties
    met = counted > 0
    share = (won[met] + ties[met] / 2) / counted[met]
    first, second = pairs[met, 0], pairs[met, 1]
    total = np.bincount(first, share, n_models) + np.bincount(second, 1 - share, n_models)
    opponents = np.bincount(first, minlength=n_models) + np.bincount(second, minlength=n_models)
    with np.errstate(invalid="ignore"):
        rates: NDArray[np.float64] = total / opponents
    return rates


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


def triangle_from_bytes(triangle: bytes) -> NDArray[np.float64] | None:
    """float64[m, m], the matrix that ``triangle_to_bytes`` kept; None where it kept nothing."""
    if not triangle:
        return None
    values = np.frombuffer(triangle, dtype=np.float64)
    m = int((math.sqrt(8 * values.size + 1) - 1) / 2)
    matrix = np.empty((m, m))
    matrix[np.tril_indices(m)] = values
    upper = np.triu_indices(m)
    matrix[upper] = matrix.T[upper]
    return matrix


def variance_of_difference(triangle: bytes, first: int, second: int) -> float | None:
    """Variance of one rating minus another, from what ``triangle_to_bytes`` kept."""
    if not triangle:
        return None
    values = np.frombuffer(triangle, dtype=np.float64)

    def entry(row: int, column: int) -> float:
        row, column = max(row, column), min(row, column)
        return float(values[row * (row + 1) // 2 + column])

    return entry(first, first) + entry(second, second) - 2 * entry(first, second)
