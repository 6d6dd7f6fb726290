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
        return cls(*(column.astype(np.intp) for column in columns[:4]), columns[4])

    def __len__(self) -> int:
        return len(self.share)


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
    """Newton's method; without any verdict all strengths are 0 and the prior is the variance.

    Raises ArithmeticError when it does not converge, which the prior excludes for finite shares.
    """
    logits = np.zeros(n_models)
    for _ in range(_MOST_STEPS):
        gradient, information = _derivatives(verdicts, logits)
        step = np.linalg.solve(information, gradient)
        # a step of several logits can overshoot while shares are all won or all lost
        logits = logits + step * min(1.0, 2.0 / max(float(np.abs(step).max(initial=0.0)), 1e-12))
        if np.abs(step).max(initial=0.0) < _TOLERANCE:
            break
    else:
        raise ArithmeticError(f"the strengths did not converge within {_MOST_STEPS} steps")
    _, information = _derivatives(verdicts, logits)
    inverse = np.linalg.inv(information)
    return Strengths(
        logits=logits - logits.mean(),
        inverse_information=inverse,
        covariance=inverse @ _spread(verdicts, logits, information) @ inverse,
    )


def _probabilities(verdicts: Verdicts, logits: FloatArray) -> FloatArray:
    gap = logits[verdicts.first] - logits[verdicts.second]
    probabilities: FloatArray = 1 / (1 + np.exp(-gap))
    return probabilities


def _derivatives(verdicts: Verdicts, logits: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Gradient of shape (m,) and information of shape (m, m), prior included."""
    n = len(logits)
    p = _probabilities(verdicts, logits)
    residual, weight = verdicts.share - p, p * (1 - p)
    gradient = -PRIOR_PRECISION * logits
    np.add.at(gradient, verdicts.first, residual)
    np.add.at(gradient, verdicts.second, -residual)
    information = PRIOR_PRECISION * np.eye(n)
    np.add.at(information, (verdicts.first, verdicts.first), weight)
    np.add.at(information, (verdicts.second, verdicts.second), weight)
    np.add.at(information, (verdicts.first, verdicts.second), -weight)
    np.add.at(information, (verdicts.second, verdicts.first), -weight)
    return gradient, information


def _spread(verdicts: Verdicts, logits: FloatArray, information: FloatArray) -> FloatArray:
    """The middle of the sandwich: squared sums of scores by question, mixed with the model's own.

    With G questions it is (G · meat + g · information) / (G + g), g = PRIOR_QUESTIONS.
    """
    codes, index = np.unique(verdicts.question, return_inverse=True)
    n_questions = len(codes)
    scores: NDArray[Any] = np.zeros((n_questions, len(logits)))
    residual = verdicts.share - _probabilities(verdicts, logits)
    np.add.at(scores, (index, verdicts.first), residual)
    np.add.at(scores, (index, verdicts.second), -residual)
    correction = n_questions / max(n_questions - 1, 1)
    meat = correction * scores.T @ scores
    total = n_questions + PRIOR_QUESTIONS
    mixed: FloatArray = (n_questions * meat + PRIOR_QUESTIONS * information) / total
    return mixed
