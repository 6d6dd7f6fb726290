r"""How wide the intervals of a run's results will be, before anything is judged.

A result is a mean over questions of what a model got on each, and its 95 % interval is

.. math:: 1.96 \, s / \sqrt{Q}

with Q questions and s the standard deviation between questions of a model's mean on one question.
Against k opponents on a question, s² = v (1 + (k - 1) r) / k: v is the variance of one comparison
(both orders averaged) around the pair's mean, r the correlation of two comparisons of one model on
one question. v and r come from the judge's stored verdicts, or else from a stated prior.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import log, sqrt
from typing import Literal, TypeAlias

import numpy as np

Z_95 = 1.959964
POINTS_PER_LOGIT = 400 / log(10)
LEAST_QUESTIONS = 20  # of stored verdicts; with fewer the prior is the better guess

Basis: TypeAlias = Literal["stored", "assumed"]
# (question, model, opponent, share of verdicts for the model)
Share: TypeAlias = tuple[Hashable, Hashable, Hashable, float]


@dataclass(frozen=True, slots=True)
class Scatter:
    """How much one question's result differs from the next.

    ``variance`` is that of one comparison's share (0 to 1) or of one score; ``correlation`` that
    of two comparisons of one model on one question. ``n_questions`` is 0 for a prior.
    """

    variance: float
    correlation: float = 0.0
    n_questions: int = 0

    @property
    def basis(self) -> Basis:
        """Whether stored verdicts or a prior stand behind it."""
        return "stored" if self.n_questions else "assumed"


# MT-Bench (Zheng et al. 2023): GPT-4 keeps its verdict in both orders on 65 % of pairs, so of even
# models' shares about a third are 1/2 and the rest 0 or 1: 0.65 * 0.25
PRIOR_SHARES = Scatter(variance=0.1625, correlation=0.4)
# scores from 1 to 10 that spread over most of the scale from question to question
PRIOR_SCORES = Scatter(variance=4.0)


@dataclass(frozen=True, slots=True)
class Precision:
    """Half the width of the expected 95 % interval of one model's result.

    ``half_width`` is in shares of wins, or on the scale of single scores. ``points`` is the same
    on the scale of ratings, near even strength, for a model against the mean of all; None for
    scores. ``gap_points`` is that of the difference between two models.
    """

    half_width: float
    points: float | None
    gap_points: float | None
    questions: int
    basis: Basis
    n_questions: int


def expected_precision(
    scatter: Scatter, *, questions: int, opponents: int = 0, models: int = 0
) -> Precision | None:
    """The precision of ``questions`` judged in full; None without any question.

    ``opponents`` is how many each model meets on a question: 1 against a baseline, 0 for single
    scores. ``models`` counts all that are compared, the baseline included.
    """
    if questions < 1:
        return None
    variance = scatter.variance
    if opponents:
        variance *= (1 + (opponents - 1) * scatter.correlation) / opponents
    half_width = Z_95 * sqrt(variance / questions)
    points = gap_points = None
    if opponents:
        # at even strength a win rate moves by 1/4 per logit of the gap to the opponents' mean,
        # and that gap is models / opponents times the one to the mean of all in a full round
        logits = 4 * half_width
        points = logits * POINTS_PER_LOGIT * (opponents / models if opponents > 1 else 1.0)
        gap_points = points * sqrt(2) if opponents > 1 else points
    return Precision(half_width, points, gap_points, questions, scatter.basis, scatter.n_questions)


def scatter_of_shares(rows: Iterable[Share]) -> Scatter:
    """Scatter of stored comparisons, one row per question and ordered pair of models.

    Every comparison stands in it once for each of its two models. With fewer than
    LEAST_QUESTIONS questions it is the prior.
    """
    values: defaultdict[tuple[Hashable, Hashable], list[tuple[Hashable, float]]] = defaultdict(list)
    for question, model, opponent, share in rows:
        values[model, opponent].append((question, share))
    deviations: defaultdict[tuple[Hashable, Hashable], list[float]] = defaultdict(list)
    squares, freedom = 0.0, 0
    for (model, _), pairs in values.items():
        mean = float(np.mean([share for _, share in pairs]))
        for question, share in pairs:
            deviations[question, model].append(share - mean)
            squares += (share - mean) ** 2
        freedom += len(pairs) - 1
    n_questions = len({question for question, _ in deviations})
    if n_questions < LEAST_QUESTIONS or freedom < 1 or squares == 0:
        return PRIOR_SHARES
    variance = squares / freedom
    return Scatter(variance, _correlation(list(deviations.values()), variance), n_questions)


def _correlation(groups: Sequence[Sequence[float]], variance: float) -> float:
    products = [a * b for group in groups for a, b in combinations(group, 2)]
    if not products:
        return PRIOR_SHARES.correlation
    return float(np.clip(np.mean(products) / variance, 0.0, 1.0))


def scatter_of_scores(rows: Iterable[tuple[Hashable, Hashable, float]]) -> Scatter:
    """Scatter of stored scores, as (question, model, mean score) rows; else the prior."""
    by_model: defaultdict[Hashable, list[float]] = defaultdict(list)
    questions = set()
    for question, model, score in rows:
        by_model[model].append(score)
        questions.add(question)
    freedom = sum(len(scores) - 1 for scores in by_model.values())
    squares = sum(float(np.var(scores)) * len(scores) for scores in by_model.values())
    if len(questions) < LEAST_QUESTIONS or freedom < 1 or squares == 0:
        return PRIOR_SCORES
    return Scatter(squares / freedom, 0.0, len(questions))
