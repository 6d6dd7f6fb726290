"""How far each of several judges is to be believed, from their agreement with one another."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leaderboard.ratings.comparisons import Comparisons
from leaderboard.ratings.strengths import SCORE_OF_A

MOST_STEPS = 500
TOLERANCE = 1e-10
DAMPING = 0.5  # halves the step, so that two judges cannot swing each other to and fro


@dataclass(frozen=True, slots=True)
class Opinions:
    """What every judge thinks of every pair of answers.

    ``labels``: int32[j], the judges' ids. ``lean``: float64[j, c], the mean score of the pair's
    first model over games, turns and repeats, minus one half; 0 where the judge did not decide.
    ``has``: bool[j, c]. ``question``: intp[c], 0…q-1, whose pair it is. ``judge_of_row``: intp[n].
    """

    labels: NDArray[np.int32]
    lean: NDArray[np.float64]
    has: NDArray[np.bool_]
    question: NDArray[np.intp]
    n_questions: int
    judge_of_row: NDArray[np.intp]
    question_of_row: NDArray[np.intp]


def opinions(rows: Comparisons) -> Opinions:
    """Put the rows of each judge about one pair and question together."""
    labels, judge = np.unique(rows.judge, return_inverse=True)
    _, question = np.unique(rows.question, return_inverse=True)
    m = rows.n_models
    low = np.minimum(rows.model_a, rows.model_b).astype(np.int64)
    high = np.maximum(rows.model_a, rows.model_b).astype(np.int64)
    keys, cell = np.unique((question * m + low) * m + high, return_inverse=True)
    score = SCORE_OF_A[rows.outcome]
    score = np.where(rows.model_a < rows.model_b, score, 1 - score) - 0.5
    shape = (labels.size, keys.size)
    count, total = np.zeros(shape), np.zeros(shape)
    np.add.at(count, (judge, cell), 1.0)
    np.add.at(total, (judge, cell), score)
    has = count > 0
    return Opinions(
        labels=labels,
        lean=np.divide(total, count, out=np.zeros(shape), where=has),
        has=has,
        question=(keys // (m * m)).astype(np.intp),
        n_questions=int(question.max(initial=-1)) + 1,
        judge_of_row=judge.astype(np.intp),
        question_of_row=question.astype(np.intp),
    )


def agreements(
    found: Opinions, weights: NDArray[np.float64], times: NDArray[np.float64]
) -> NDArray[np.float64]:
    """float64[j], each judge's agreement with the weighted consensus of all others, in [-1, 1].

    The cosine of its leans and the consensus's over the pairs that both decided: 1 for a judge
    that leans as the others do, 0 for one that guesses, negative for a contrary one.
    ``times``: float64[c], how often each pair counts. NaN for a judge who shares no pair.
    """
    weighted = weights[:, None] * found.lean
    present = weights[:, None] * found.has
    others = present.sum(axis=0) - present
    shared = found.has & (others > TOLERANCE)
    consensus = np.divide(
        weighted.sum(axis=0) - weighted, others, out=np.zeros_like(others), where=shared
    )
    own = np.where(shared, found.lean, 0.0)
    products = (times * own * consensus).sum(axis=1)
    sizes = (times * own**2).sum(axis=1) * (times * consensus**2).sum(axis=1)
    result = np.full(weights.size, np.nan)
    np.divide(products, np.sqrt(sizes), out=result, where=sizes > 0)
    return result


def self_consistent_weights(
    found: Opinions, times: NDArray[np.float64] | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """``(weights, agreement)``, float64[j] each: weights proportional to agreement, mean 1.

    A judge's weight is its agreement with the consensus, and the consensus is made with the
    weights: iterated from equal weights to the fixed point. Agreement below 0 weighs nothing. A
    judge who shares no pair with another, and everybody where nobody agrees, keeps the mean
    weight: there is nothing to tell them apart by.
    """
    counts = np.ones(found.question.size) if times is None else times
    weights = np.ones(found.labels.size)
    agreement = agreements(found, weights, counts)
    for _ in range(MOST_STEPS):
        target = normalised(agreement)
        step = DAMPING * (target - weights)
        weights = weights + step
        agreement = agreements(found, weights, counts)
        if float(np.abs(step).max(initial=0.0)) < TOLERANCE:
            break
    return normalised(agreement), agreement


def normalised(agreement: NDArray[np.float64]) -> NDArray[np.float64]:
    """Agreement as weights of mean 1."""
    positive = np.clip(agreement, 0.0, None)
    known = positive[~np.isnan(positive)]
    if not known.size or not known.any():
        return np.ones(agreement.size)
    filled = np.where(np.isnan(positive), known.mean(), positive)
    weights: NDArray[np.float64] = filled / filled.mean()
    return weights
