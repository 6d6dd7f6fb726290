r"""What to judge next: the judgments that narrow the gaps in question most.

For a gap c = e_i - e_j and a judgment of models with contrast x and weight w = p(1 - p), making the
judgment takes from the gap's variance

.. math:: w (c^T H^{-1} x)^2 / (1 + w x^T H^{-1} x)

(the rank-one update of the inverse information). The pair that takes most over all gaps still in
question is chosen, the inverse is updated, and so on: a greedy sequence of an optimal design.
Verdicts on one question resemble each other, and so do the two orders of one pair. So a chosen
pair goes to the question on which its models have been judged least, in the order in which this
pair has been shown less often: a judge's taste for a position then cancels out over questions.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from dataclasses import dataclass, field

import numpy as np

from judging.adaptive.strengths import FloatArray, IntArray, Strengths, Verdicts

_PAIRS_PER_UPDATE = 64  # pairs taken from one ranking at most, so that large boards stay quick
_Load = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Candidates:
    """What could be judged, as columns of shape (n,): question, both models by code, order.

    ``game`` is 1 or 2 for a judgment in one order, 0 for both orders together.
    """

    question: IntArray
    first: IntArray
    second: IntArray
    game: IntArray

    @classmethod
    def of(cls, rows: list[tuple[int, int, int, int]]) -> Candidates:
        """Columns from (question, first, second, game) rows."""
        return cls(*np.array(rows, dtype=np.intp).reshape(-1, 4).T)

    def __len__(self) -> int:
        return len(self.question)


@dataclass(slots=True)
class _Supply:
    """The candidates left, by pair, the least told question first.

    Loads only grow, so each heap may hold stale ones: an entry is looked at again when it is on
    top, and goes back when its load has grown.
    """

    candidates: Candidates
    heaps: dict[int, list[tuple[_Load, int]]]
    models: Counter[tuple[int, int]] = field(default_factory=Counter)  # (question, model)
    questions: Counter[int] = field(default_factory=Counter)
    orders: Counter[tuple[int, int, int]] = field(default_factory=Counter)  # (pair, game)
    tie_break: dict[int, int] = field(default_factory=dict)

    def judged(self, question: int, first: int, second: int, game: int) -> None:
        self.models[question, first] += 1
        self.models[question, second] += 1
        self.questions[question] += 1
        self.orders[first, second, game] += 1

    def load(self, position: int) -> _Load:
        question, first, second, game = self._row(position)
        own = self.models[question, first] + self.models[question, second]
        shown = self.orders[first, second, game]
        return own, self.questions[question], shown, self.tie_break[position]

    def take(self, pair: int) -> int:
        """The pair's next candidate."""
        heap = self.heaps[pair]
        while True:
            load, position = heapq.heappop(heap)
            now = self.load(position)
            if now == load:
                self.judged(*self._row(position))
                return position
            heapq.heappush(heap, (now, position))

    def _row(self, position: int) -> tuple[int, int, int, int]:
        found = self.candidates
        columns = (found.question, found.first, found.second, found.game)
        question, first, second, game = (int(column[position]) for column in columns)
        return question, first, second, game


def choose_judgments(
    strengths: Strengths,
    judged: Verdicts,
    candidates: Candidates,
    *,
    open_gaps: list[tuple[int, int]],
    size: int,
    seed: int = 0,
) -> list[int]:
    """Positions of at most ``size`` candidates, the most telling first.

    ``open_gaps`` are the pairs of models whose difference is still in question; with none, all
    differences count. Equal choices are settled by ``seed``, so the same rows give the same batch.
    """
    n_models = len(strengths.logits)
    pairs, of_pair = np.unique(candidates.first * n_models + candidates.second, return_inverse=True)
    first, second = np.divmod(pairs, n_models)
    supply = _supply(judged, candidates, of_pair, seed)
    left = np.bincount(of_pair, minlength=len(pairs))
    importance = importance_of(open_gaps, n_models)
    inverse = strengths.inverse_information.copy()
    probability = 1 / (1 + np.exp(strengths.logits[second] - strengths.logits[first]))
    weight = probability * (1 - probability)
    chosen: list[int] = []
    wanted = min(size, len(candidates))
    while len(chosen) < wanted:
        gain = np.where(left > 0, gains(inverse, importance, first, second, weight), -np.inf)
        at_once = max(1, min(_PAIRS_PER_UPDATE, (wanted - len(chosen)) // 50))
        for pair in np.argsort(-gain, kind="stable")[:at_once]:
            if left[pair] == 0:
                break
            chosen.append(supply.take(int(pair)))
            left[pair] -= 1
            _learn(inverse, int(first[pair]), int(second[pair]), float(weight[pair]))
    return chosen


def importance_of(open_gaps: list[tuple[int, int]], n_models: int) -> FloatArray:
    """The sum of c c^T over the gaps in question; shape (models, models)."""
    gaps = open_gaps or [(i, j) for i in range(n_models) for j in range(i)]
    total = np.zeros((n_models, n_models))
    for i, j in gaps:
        total[i, i] += 1
        total[j, j] += 1
        total[i, j] -= 1
        total[j, i] -= 1
    return total


def gains(
    inverse: FloatArray,
    importance: FloatArray,
    first: IntArray,
    second: IntArray,
    weight: FloatArray,
) -> FloatArray:
    """What one more judgment of each pair takes from all gaps' variances; shape (pairs,)."""
    moved = inverse[:, first] - inverse[:, second]
    columns = np.arange(len(first))
    own = moved[first, columns] - moved[second, columns]
    gains: FloatArray = weight * (moved * (importance @ moved)).sum(axis=0) / (1 + weight * own)
    return gains


def _learn(inverse: FloatArray, first: int, second: int, weight: float) -> None:
    """Update the inverse information in place, as if this pair had been judged once more."""
    moved = inverse[:, first] - inverse[:, second]
    own = moved[first] - moved[second]
    inverse -= np.outer(moved, moved) * (weight / (1 + weight * own))


def _supply(judged: Verdicts, candidates: Candidates, of_pair: IntArray, seed: int) -> _Supply:
    order = np.random.default_rng(seed).permutation(len(candidates))
    supply = _Supply(candidates, {}, tie_break={i: int(place) for i, place in enumerate(order)})
    columns = (judged.question, judged.first, judged.second, judged.game)
    for question, first, second, game in zip(*(c.tolist() for c in columns), strict=True):
        supply.judged(question, first, second, game)
    heaps: defaultdict[int, list[tuple[_Load, int]]] = defaultdict(list)
    for position, pair in enumerate(of_pair.tolist()):
        heaps[pair].append((supply.load(position), position))
    for heap in heaps.values():
        heapq.heapify(heap)
    supply.heaps = dict(heaps)
    return supply
