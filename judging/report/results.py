"""Each model's result, the models against each other, and by category."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from arena.models import LanguageModel
from judging.agreement import Estimate, mean
from judging.report.scope import Compared, Scored
from judging.services.stored_verdicts import SHARE_OF_A

SEED = 0
HIGHEST_SCORE = 10.0
Name = TypeVar("Name")  # of a column: a model, or a category
Cells = list[tuple[LanguageModel, list[tuple[Name, float | None]]]]


@dataclass(frozen=True, slots=True)
class ModelResult:
    """A model's result: win rate with ties as half, or mean score; intervals over questions."""

    model: LanguageModel
    wins: int
    losses: int
    ties: int
    estimate: Estimate
    position: float  # where the value lies on the chart, in percent
    lower: float | None
    upper: float | None

    @property
    def win_percent(self) -> float:
        """Share of comparisons won, in percent."""
        return 100 * self.wins / (self.wins + self.losses + self.ties)

    @property
    def tie_percent(self) -> float:
        """Share of comparisons that ended in a tie, in percent."""
        return 100 * self.ties / (self.wins + self.losses + self.ties)


@dataclass(frozen=True, slots=True)
class Entry:
    """One comparison or score as one model's: its value between 0 and 1, or its score."""

    model: int
    rival: int
    value: float
    question: int
    category: str


def entries_of_games(games: Sequence[Compared]) -> list[Entry]:
    """Each comparison twice, once from each model's side."""
    entries = []
    for game in games:
        share = SHARE_OF_A[game.outcome]
        a, b, about = game.model_a, game.model_b, (game.question, game.category)
        entries += [Entry(a, b, share, *about), Entry(b, a, 1 - share, *about)]
    return entries


def entries_of_scores(scores: Sequence[Scored]) -> list[Entry]:
    """Each score as its model's."""
    return [Entry(row.model, 0, row.score, row.question, row.category) for row in scores]


def model_results(
    entries: Sequence[Entry], models: Mapping[int, LanguageModel], *, highest: float
) -> list[ModelResult]:
    """The models with their results, the best first."""
    by_model: defaultdict[int, list[Entry]] = defaultdict(list)
    for entry in entries:
        by_model[entry.model].append(entry)
    results = []
    for pk, own in by_model.items():
        values = [entry.value for entry in own]
        estimate = mean(values, [entry.question for entry in own], seed=SEED)
        ends = (estimate.lower, estimate.upper)
        lower, upper = (None if end is None else 100 * end / highest for end in ends)
        tally = Counter(values)
        results.append(
            ModelResult(
                model=models[pk],
                wins=tally[1.0],
                losses=tally[0.0],
                ties=tally[0.5],
                estimate=estimate,
                position=100 * (estimate.value or 0.0) / highest,
                lower=lower,
                upper=upper,
            )
        )
    return sorted(results, key=lambda result: (-result.position, result.model.slug))


def matrix_of(entries: Sequence[Entry], order: Sequence[LanguageModel]) -> Cells[LanguageModel]:
    """Row's share of wins against column."""
    cells: defaultdict[tuple[int, int], list[float]] = defaultdict(list)
    for entry in entries:
        cells[entry.model, entry.rival].append(entry.value)
    return [
        (row, [(column, _mean_or_none(cells[row.pk, column.pk])) for column in order])
        for row in order
    ]


def by_category(
    entries: Sequence[Entry], order: Sequence[LanguageModel], categories: Sequence[str]
) -> Cells[str]:
    """Each model's mean in each category."""
    cells: defaultdict[tuple[int, str], list[float]] = defaultdict(list)
    for entry in entries:
        cells[entry.model, entry.category].append(entry.value)
    return [
        (model, [(name, _mean_or_none(cells[model.pk, name])) for name in categories])
        for model in order
    ]


def _mean_or_none(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
