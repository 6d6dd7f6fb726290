"""Which judgments a report is about, as plain rows."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from django.db.models import Q

from judging.models import JudgeRun, JudgeRunMode, Judgment, JudgmentMode, JudgmentQuerySet
from judging.verdicts.base import Outcome


def scope_of(run: JudgeRun) -> JudgmentQuerySet:
    """All judgments of the run's judge on its set, models and mode, reused ones included."""
    models = list(run.language_models.values_list("pk", flat=True))
    rows = Judgment.objects.filter(judge=run.judge, is_dry_run=run.is_dry_run)
    if run.mode == JudgeRunMode.SINGLE:
        return rows.filter(
            mode=JudgmentMode.SINGLE,
            answer__question__question_set=run.question_set,
            answer__model__in=models,
        )
    rows = rows.filter(mode=JudgmentMode.PAIRWISE, battle__question__question_set=run.question_set)
    if run.mode == JudgeRunMode.BASELINE:
        return rows.filter(
            Q(battle__model_a__in=models, battle__model_b=run.baseline)
            | Q(battle__model_b__in=models, battle__model_a=run.baseline)
        )
    return rows.filter(battle__model_a__in=models, battle__model_b__in=models)


@dataclass(frozen=True, slots=True)
class Compared:
    """A readable comparison; ``game`` tells which side was shown first."""

    pk: int
    battle: int
    turn: int
    repeat: int
    game: int
    outcome: Outcome
    question: int
    category: str
    model_a: int
    model_b: int


@dataclass(frozen=True, slots=True)
class Scored:
    """A readable score of one answer."""

    pk: int
    model: int
    score: float
    question: int
    category: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What was said of one pair of answers in all orders that were judged."""

    games: tuple[Compared, ...]

    @property
    def first(self) -> Compared:
        """The game with the lower number."""
        return self.games[0]

    @property
    def ids(self) -> tuple[int, ...]:
        """The judgments' primary keys."""
        return tuple(game.pk for game in self.games)

    @property
    def outcome(self) -> Outcome | None:
        """None where the order decided."""
        outcomes = {game.outcome for game in self.games}
        return self.first.outcome if len(outcomes) == 1 else None

    @property
    def sides(self) -> tuple[int, int] | None:
        """Winner and loser, where one side won whatever the order."""
        first = self.first
        if self.outcome is Outcome.MODEL_A:
            return first.model_a, first.model_b
        return (first.model_b, first.model_a) if self.outcome is Outcome.MODEL_B else None


def compared(judgments: JudgmentQuerySet) -> list[Compared]:
    """Comparisons in the order of their making; one query."""
    rows = judgments.order_by("id").values_list(
        *("id", "battle_id", "turn", "repeat", "game", "outcome"),
        *("battle__question_id", "battle__question__category"),
        *("battle__model_a_id", "battle__model_b_id"),
    )
    return [
        Compared(pk, battle or 0, turn, repeat, game, Outcome(outcome), question or 0,
                 category or "", a or 0, b or 0)
        for pk, battle, turn, repeat, game, outcome, question, category, a, b in rows
    ]  # fmt: skip


def scored(judgments: JudgmentQuerySet) -> list[Scored]:
    """Scores in the order of their making; one query."""
    rows = judgments.order_by("id").values_list(
        "id", "answer__model_id", "score", "answer__question_id", "answer__question__category"
    )
    return [
        Scored(pk, model or 0, score, question or 0, category or "")
        for pk, model, score, question, category in rows
        if score is not None
    ]


def decisions(games: list[Compared]) -> list[Decision]:
    """The games of each pair of answers, turn and repeat together."""
    found: defaultdict[tuple[int, int, int], list[Compared]] = defaultdict(list)
    for game in games:
        found[game.battle, game.turn, game.repeat].append(game)
    return [Decision(tuple(sorted(own, key=lambda game: game.game))) for own in found.values()]
