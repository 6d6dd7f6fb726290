r"""Strengths of models from the verdicts so far, with a covariance that respects questions.

Bradley-Terry on shares: a verdict on models i and j gives i a share y in [0, 1], and
E[y] = σ(θ_i - θ_j). θ maximises

.. math:: \sum_v y_v \log p_v + (1 - y_v) \log(1 - p_v) - \lambda |\theta|^2 / 2

The weak prior (λ = 1/9: a standard deviation of 3 logits, 521 points) keeps models that have only
won so far at a finite distance; it vanishes beside a few dozen verdicts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]

POINTS_PER_LOGIT = 400 / np.log(10)
PRIOR_PRECISION = 1 / 9
# how many questions the model's own variance counts as beside the one between questions: with few
# questions the latter is known badly, and is zero when all of them agree
PRIOR_QUESTIONS = 10
_MOST_STEPS = 50
_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class Verdicts:
    """Verdicts as columns of shape (n,): question, both models by code, order, share of ``first``.

    ``share`` is 1 when the first model won, 0 when it lost, between for ties and means.
    """

    question: IntArray
    first: IntArray
    second: IntArray
    game: IntArray
    share: FloatArray

    @classmethod
    def of(cls, rows: list[tuple[int, int, int, int, float]]) -> Verdicts:
        """Columns from (question, first, second, game, share) rows."""
        columns = np.array(rows, dtype=np.float64).reshape(-1, 5).T
        question, first, second, game = (column.astype(np.intp) for column in columns[:4])
        return cls(question, first, second, game, columns[4])

    def __len__(self) -> int:
        return len(self.share)


@dataclass(frozen=True, slots=True)
class PairTotals:
    """What was said of each pair of models: all that the strengths depend on.

    Columns of shape (pairs,): both models by code, verdicts, and the sum of ``first``'s shares.
    """

    first: IntArray
    second: IntArray
    count: FloatArray
    wins: FloatArray

    @classmethod
    def of(cls, verdicts: Verdicts, n_models: int) -> PairTotals:
        """Verdicts added up by pair."""
        pairs, index = np.unique(verdicts.first * n_models + verdicts.second, return_inverse=True)
        first, second = np.divmod(pairs, n_models)
        return cls(
            first=first,
            second=second,
            count=np.bincount(index, minlength=len(pairs)).astype(np.float64),
            wins=np.bincount(index, verdicts.share, len(pairs)).astype(np.float64),
        )


@dataclass(frozen=True, slots=True)
class Strengths:
    """Logits of shape (models,) around their mean, and two matrices of shape (models, models).

    ``inverse_information`` is what the next judgment is chosen by; ``covariance`` also holds what
    verdicts on one question have in common (a sandwich clustered by question).
    """

    logits: FloatArray
    inverse_information: FloatArray
    covariance: FloatArray

    def gap_deviations(self) -> FloatArray:
        """Standard deviation of every difference of two models, in logits; shape (m, m)."""
        own = np.diag(self.covariance)
        variance = own[:, None] + own[None, :] - 2 * self.covariance
        return np.sqrt(np.maximum(variance, 0.0))

    def deviations(self) -> FloatArray:
        """Standard deviation of every model against the mean of all, in logits; shape (m,)."""
        centred = np.eye(len(self.logits)) - 1 / len(self.logits)
        variance = np.diag(centred @ self.covariance @ centred)
        return np.sqrt(np.maximum(variance, 0.0))


def fit_strengths(verdicts: Verdicts, n_models: int) -> Strengths:
    """Maximum of the penalised likelihood; without any verdict all strengths are 0.

    Raises ArithmeticError when it does not converge, which the prior excludes for finite shares.
    """
    logits, information = maximise(PairTotals.of(verdicts, n_models), n_models)
    codes, index = np.unique(verdicts.question, return_inverse=True)
    scores: NDArray[Any] = np.zeros((len(codes), n_models))
    gap = logits[verdicts.first] - logits[verdicts.second]
    residual = verdicts.share - 1 / (1 + np.exp(-gap))
    np.add.at(scores, (index, verdicts.first), residual)
    np.add.at(scores, (index, verdicts.second), -residual)
    return strengths_of(logits, information, scores)


def maximise(totals: PairTotals, n_models: int) -> tuple[FloatArray, FloatArray]:
    """Newton's method: logits of shape (models,) and their information, prior included."""
    logits = np.zeros(n_models)
    for _ in range(_MOST_STEPS):
        gradient, information = _derivatives(totals, logits)
        step = np.linalg.solve(information, gradient)
        # a step of several logits can overshoot while shares are all won or all lost
        logits = logits + step * min(1.0, 2.0 / max(float(np.abs(step).max(initial=0.0)), 1e-12))
        if np.abs(step).max(initial=0.0) < _TOLERANCE:
            return logits, _derivatives(totals, logits)[1]
    raise ArithmeticError(f"the strengths did not converge within {_MOST_STEPS} steps")


def strengths_of(logits: FloatArray, information: FloatArray, scores: FloatArray) -> Strengths:
    """With the sandwich's covariance; ``scores`` of shape (questions, models) are the residuals."""
    inverse: FloatArray = np.linalg.inv(information).astype(np.float64)
    return Strengths(
        logits=logits - logits.mean(),
        inverse_information=inverse,
        covariance=inverse @ _spread(scores, information) @ inverse,
    )


def _derivatives(totals: PairTotals, logits: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Gradient of shape (m,) and information of shape (m, m), prior included."""
    n = len(logits)
    p = 1 / (1 + np.exp(logits[totals.second] - logits[totals.first]))
    residual, weight = totals.wins - totals.count * p, totals.count * p * (1 - p)
    gradient = -PRIOR_PRECISION * logits
    np.add.at(gradient, totals.first, residual)
    np.add.at(gradient, totals.second, -residual)
    information = PRIOR_PRECISION * np.eye(n)
    add_weights(information, totals.first, totals.second, weight)
    return gradient, information


def add_weights(
    information: FloatArray, first: IntArray, second: IntArray, weight: FloatArray
) -> None:
    """Add what verdicts of this weight tell of each pair's gap to ``information``, in place."""
    np.add.at(information, (first, first), weight)
    np.add.at(information, (second, second), weight)
    np.add.at(information, (first, second), -weight)
    np.add.at(information, (second, first), -weight)


def _spread(scores: FloatArray, information: FloatArray) -> FloatArray:
    """The middle of the sandwich: squared sums of scores by question, mixed with the model's own.

    With G questions it is (G · meat + g · information) / (G + g), g = PRIOR_QUESTIONS.
    """
    n_questions = len(scores)
    correction = n_questions / max(n_questions - 1, 1)
    meat = correction * scores.T @ scores
    total = n_questions + PRIOR_QUESTIONS
    mixed: FloatArray = (n_questions * meat + PRIOR_QUESTIONS * information) / total
    return mixed
