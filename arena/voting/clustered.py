"""The mean of scores that are not independent: one voter gives many, one question gets many."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

Values = NDArray[np.float64]
Labels = NDArray[np.int64]
FEWEST_CLUSTERS = 2


@dataclass(frozen=True, slots=True)
class ClusteredMean:
    """``lower`` and ``upper`` bound the mean with the confidence asked for; NaN when there are
    fewer than two clusters of either kind, or all scores are alike: then nothing is known about
    its error.
    """

    mean: float
    lower: float
    upper: float
    scores: int


def _meat(residuals: Values, labels: Labels) -> tuple[float, int]:
    """Σ over clusters of (Σ residuals)², with the small-sample factor G/(G−1); G."""
    _, places = np.unique(labels, return_inverse=True)
    sums = np.bincount(places, weights=residuals)
    g = sums.size
    return (float((sums**2).sum()) * g / (g - 1) if g > 1 else math.nan), g


def clustered_mean(
    scores: Values, voters: Labels, questions: Labels, *, confidence: float = 0.95
) -> ClusteredMean:
    """The plain mean, its variance clustered by voter and by question at once.

    Cameron, Gelbach & Miller 2011: V = V_voter + V_question − V_(voter, question); where that is
    not positive, the larger of the two one-way variances stands in, as they advise. Student's t
    with min(voters, questions) − 1 degrees of freedom. All arrays have shape (scores,).
    """
    n = scores.size
    if n == 0:
        return ClusteredMean(math.nan, math.nan, math.nan, 0)
    mean = float(scores.mean())
    residuals = scores - mean
    by_voter, n_voters = _meat(residuals, voters)
    by_question, n_questions = _meat(residuals, questions)
    fewest = min(n_voters, n_questions)
    if fewest < FEWEST_CLUSTERS or not residuals.any():
        return ClusteredMean(mean, math.nan, math.nan, n)
    both, _ = _meat(residuals, voters * (int(questions.max()) + 1) + questions)
    variance = by_voter + by_question - both
    if not variance > 0:
        variance = max(by_voter, by_question)
    half = float(stdtrit(fewest - 1, 0.5 + confidence / 2)) * math.sqrt(variance) / n
    return ClusteredMean(mean, mean - half, mean + half, n)
