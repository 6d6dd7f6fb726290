"""What to read of a run: a few judgments of each kind, drawn by seed and bounded in number."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeVar

from arena.models import LanguageModel
from judging.models import Judgment
from judging.report.scope import Decision, Scored

Ids = tuple[int, ...]  # the judgments of one example
T = TypeVar("T")

FEW_MODELS = 12  # up to here every model has two examples of each kind, beyond it one
MOST_MODELS = 40
DISAGREEMENTS = 5


@dataclass(frozen=True, slots=True)
class Example:
    """One pair of answers with what was said in each order, or one answer with its score."""

    judgments: tuple[Judgment, ...]

    @property
    def first(self) -> Judgment:
        """Any of them: what they are about is the same."""
        return self.judgments[0]


@dataclass(frozen=True, slots=True)
class ModelPicks:
    """A model's wins and losses, or its best and worst scores."""

    model: LanguageModel
    wins: list[Ids]
    losses: list[Ids]


@dataclass(frozen=True, slots=True)
class ModelExamples:
    """The same, to read."""

    model: LanguageModel
    wins: list[Example]
    losses: list[Example]


def drawn(rows: Sequence[T], n: int, *, seed: int, about: str) -> list[T]:
    """At most ``n`` of the rows, in their order; the same ones for the same seed."""
    chosen = Random(f"{seed}:{about}").sample(range(len(rows)), min(n, len(rows)))
    return [rows[place] for place in sorted(chosen)]


def examples_each(models: Sequence[LanguageModel]) -> int:
    """How many examples of each kind a model has, so that the report stays readable."""
    return 2 if len(models) <= FEW_MODELS else 1


def picked_decisions(
    models: Sequence[LanguageModel], found: Iterable[Decision], *, seed: int
) -> list[ModelPicks]:
    """Each model's wins and losses that did not depend on the order."""
    wins: defaultdict[int, list[Ids]] = defaultdict(list)
    losses: defaultdict[int, list[Ids]] = defaultdict(list)
    for decision in found:
        if decision.sides:
            winner, loser = decision.sides
            wins[winner].append(decision.ids)
            losses[loser].append(decision.ids)
    n = examples_each(models)
    return [
        ModelPicks(
            model,
            drawn(wins[model.pk], n, seed=seed, about=f"wins of {model.slug}"),
            drawn(losses[model.pk], n, seed=seed, about=f"losses of {model.slug}"),
        )
        for model in models[:MOST_MODELS]
    ]


def picked_scores(
    models: Sequence[LanguageModel], rows: Iterable[Scored], *, seed: int
) -> list[ModelPicks]:
    """Each model's best and worst scores; among equal ones the seed decides."""
    by_model: defaultdict[int, list[Scored]] = defaultdict(list)
    for row in rows:
        by_model[row.model].append(row)
    n = examples_each(models)
    picks = []
    for model in models[:MOST_MODELS]:
        own = by_model[model.pk]
        Random(f"{seed}:scores of {model.slug}").shuffle(own)
        own.sort(key=lambda row: -row.score)
        best = own[:n]
        worst = [row for row in reversed(own) if row not in best][:n]
        picks.append(ModelPicks(model, [(r.pk,) for r in best], [(r.pk,) for r in worst]))
    return picks


def read_examples(ids: Iterable[Ids]) -> dict[Ids, Example]:
    """The examples with their answers; one query."""
    wanted = set(ids)
    rows = (
        Judgment.objects.filter(pk__in={pk for each in wanted for pk in each})
        .select_related(
            *("battle__model_a", "battle__model_b", "battle__question"),
            *("battle__answer_a", "battle__answer_b", "answer__model", "answer__question"),
        )
        .defer("prompt")
        .in_bulk()
    )
    return {each: Example(tuple(rows[pk] for pk in each)) for each in wanted}
