"""How often a judge fails, and how far it disagrees with itself."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from itertools import combinations
from typing import TypeVar

import numpy as np

from judging.agreement.estimates import (
    DEFAULT_ROUNDS,
    Clusters,
    Estimate,
    FloatArray,
    cluster_bootstrap,
    proportion,
    ratio,
    require_same_length,
)
from judging.verdicts.base import Outcome

Value = TypeVar("Value")


def parse_failure_rate(
    is_readable: Sequence[bool], clusters: Clusters, *, seed: int = 0, rounds: int = DEFAULT_ROUNDS
) -> Estimate:
    """The share of replies without a verdict."""
    hits = [not readable for readable in is_readable]
    return proportion(hits, clusters, seed=seed, rounds=rounds)


def repeat_flip_rate(
    outcomes: Sequence[Outcome],
    tasks: Sequence[Hashable],
    *,
    seed: int = 0,
    rounds: int = DEFAULT_ROUNDS,
) -> Estimate:
    """The chance that two repeats of one task name different outcomes.

    ``tasks`` tells which rows are repeats of each other (same answers, order and turn). Every pair
    of repeats counts once; the interval resamples tasks.
    """
    require_same_length(outcomes=outcomes, tasks=tasks)
    rows = [
        (sum(a != b for a, b in combinations(group, 2)), len(group) * (len(group) - 1) / 2)
        for group in _repeats(outcomes, tasks)
    ]
    sums = np.array(rows, dtype=np.float64).reshape(-1, 2)
    return cluster_bootstrap(sums, ratio, n=int(sums[:, 1].sum()), seed=seed, rounds=rounds)


def repeat_score_deviation(
    scores: Sequence[float],
    tasks: Sequence[Hashable],
    *,
    seed: int = 0,
    rounds: int = DEFAULT_ROUNDS,
) -> Estimate:
    """Standard deviation between repeats of one task, pooled over tasks, on the scores' scale.

    sqrt(sum of squared deviations from each task's mean / sum of (repeats - 1)).
    """
    require_same_length(scores=scores, tasks=tasks)
    rows = [
        (float(np.var(group)) * len(group), len(group) - 1) for group in _repeats(scores, tasks)
    ]
    sums = np.array(rows, dtype=np.float64).reshape(-1, 2)

    def deviation(totals: FloatArray) -> FloatArray:
        return np.sqrt(ratio(totals))

    n = int(sums[:, 1].sum()) + len(sums)
    return cluster_bootstrap(sums, deviation, n=n, seed=seed, rounds=rounds)


def _repeats(values: Sequence[Value], tasks: Sequence[Hashable]) -> Iterable[list[Value]]:
    groups: defaultdict[Hashable, list[Value]] = defaultdict(list)
    for value, task in zip(values, tasks, strict=True):
        groups[task].append(value)
    return [group for group in groups.values() if len(group) > 1]
