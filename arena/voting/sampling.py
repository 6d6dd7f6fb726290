"""Which pair of models is shown next: probabilities over pairs, and the draw.

All functions take and give float64 matrices of shape (models, models). Probabilities stand in the
upper triangle (row < column), sum to one, and are positive for every available pair: a pair that
can never be drawn could not be weighted back by 1/P.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]

EXPLORATION = 0.1  # share of active draws spread evenly, which bounds the weights 1/P
PRIOR_VOTES = 2.0  # pseudo-votes per pair at one half, so that two equal votes are not certainty


class NothingToDrawError(ValueError):
    """No two models have an answer in common."""


@dataclass(frozen=True, slots=True)
class Draw:
    """``first`` < ``second`` are rows of the matrix; ``probability`` is that of this pair."""

    first: int
    second: int
    probability: float


@dataclass(frozen=True, slots=True)
class PairRecord:
    """What people decided so far: for each pair (row < column) how often, and the sum of
    outcomes y (1 row model better, 0.5 tie or both bad, 0 column model better) and of y².
    """

    votes: Matrix
    sum_y: Matrix
    sum_y2: Matrix

    @classmethod
    def empty(cls, models: int) -> PairRecord:
        zero = np.zeros((models, models))
        return cls(zero, zero.copy(), zero.copy())

    def votes_per_model(self) -> Matrix:
        """Shape (models,)."""
        both: Matrix = self.votes.sum(axis=0) + self.votes.sum(axis=1)
        return both


def _normalised(weights: Matrix, is_available: NDArray[np.bool_]) -> Matrix:
    kept: Matrix = np.where(np.triu(is_available, 1), weights, 0.0)
    total = kept.sum()
    if total <= 0:
        raise NothingToDrawError("no two active models have answered a common question")
    return np.asarray(kept / total, dtype=np.float64)


def _check(weights: Matrix) -> None:
    if not np.all((weights > 0) & np.isfinite(weights)):
        raise ValueError("a model's weight must be above 0; deactivate the model to leave it out")


def uniform(is_available: NDArray[np.bool_]) -> Matrix:
    """Every available pair alike."""
    return _normalised(np.ones(is_available.shape), is_available)


def weighted(is_available: NDArray[np.bool_], weights: Matrix) -> Matrix:
    """Pair (i, j) in proportion to wᵢ·wⱼ; ``weights`` has shape (models,) and is positive."""
    _check(weights)
    return _normalised(np.outer(weights, weights), is_available)


def boosted(
    is_available: NDArray[np.bool_],
    weights: Matrix,
    votes_per_model: Matrix,
    *,
    factor: float,
    until_votes: int,
) -> Matrix:
    """As ``weighted``, a pair with a model of few votes ``factor`` times as often.

    The boost falls linearly to 1 at ``until_votes``, so that no model drops out of sight at once.
    It belongs to the pair: two new models are not boosted twice against the rest.
    ``factor`` is at least 1.
    """
    _check(weights)
    missing = np.clip(1 - votes_per_model / max(until_votes, 1), 0, 1)
    boost = 1 + (factor - 1) * np.maximum.outer(missing, missing)
    return _normalised(np.outer(weights, weights) * boost, is_available)


def active(is_available: NDArray[np.bool_], record: PairRecord) -> Matrix:
    """Pair a in proportion to √(Σ̂aa/nₐ) − √(Σ̂aa/(nₐ+1)), the shrinkage of its interval.

    Chiang et al. 2024 (Chatbot Arena), section 5, eq. 9. Σ̂aa is the variance of the pair's
    outcome, estimated with ``PRIOR_VOTES`` pseudo-votes (half won, half lost) that also stand in
    nₐ, so a pair without votes has a finite share. Differs from the paper by mixing in a uniform
    share of ``EXPLORATION``.
    """
    n = record.votes + PRIOR_VOTES
    mean = (record.sum_y + PRIOR_VOTES / 2) / n
    variance = np.maximum((record.sum_y2 + PRIOR_VOTES / 2) / n - mean**2, 0.0)
    shrinkage = np.sqrt(variance) * (1 / np.sqrt(n) - 1 / np.sqrt(n + 1))
    greedy = _normalised(shrinkage, is_available)
    return (1 - EXPLORATION) * greedy + EXPLORATION * uniform(is_available)


def draw_pair(probabilities: Matrix, random: np.random.Generator) -> Draw:
    """One pair, drawn by ``probabilities``."""
    cumulative = np.cumsum(probabilities, axis=None)
    place = int(np.searchsorted(cumulative, random.random() * cumulative[-1], side="right"))
    first, second = divmod(min(place, cumulative.size - 1), probabilities.shape[1])
    return Draw(first, second, float(probabilities[first, second]))
