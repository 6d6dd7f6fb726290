from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Prefetch, Q, QuerySet

from arena.models import Battle, Outcome, Question, Vote
from arena.selectors.disclosure import disclosed_answer, disclosed_question, disclosed_replaced
from arena.selectors.questions import Exchange, exchanges

VOTES_SHOWN = 100


def listed_battles(chosen: Mapping[str, Any]) -> QuerySet[Battle]:
    """Battles newest first, by model, opponent and question, with the votes they got."""
    battles = Battle.objects.select_related("question", "model_a", "model_b").prefetch_related(
        Prefetch("votes", Vote.objects.only("battle_id", "outcome", "exclusion"))
    )
    sides = [chosen[key] for key in ("model", "opponent") if key in chosen]
    for slug in sides:
        battles = battles.filter(Q(model_a__slug=slug) | Q(model_b__slug=slug))
    if "question" in chosen:
        battles = battles.filter(question_id=chosen["question"])
    if chosen.get("voted"):
        battles = battles.voted()
    return battles.order_by("-id")


@dataclass(frozen=True, slots=True)
class Tally:
    """How people voted on one battle; ``excluded`` votes are kept but not counted."""

    model_a: int
    model_b: int
    tie: int
    both_bad: int
    excluded: int

    @property
    def counted(self) -> int:
        return self.model_a + self.model_b + self.tie + self.both_bad


def tally(votes: Iterable[Vote]) -> Tally:
    counts = dict.fromkeys(Outcome.values, 0)
    excluded = 0
    for vote in votes:
        if vote.exclusion:
            excluded += 1
        else:
            counts[vote.outcome] += 1
    return Tally(**counts, excluded=excluded)


@dataclass(frozen=True, slots=True)
class BattlePage:
    """One battle with both conversations; imported battles may have no question or answers.

    ``repeated`` says how often a live battle's turns were asked again, ``replaced`` what was there
    before: rows with ``turn``, ``prompt``, ``answer_a`` and ``answer_b``.
    """

    battle: Battle
    question: Question | None
    turns_a: list[Exchange]
    turns_b: list[Exchange]
    votes: list[Vote]
    tally: Tally
    repeated: int
    replaced: list[dict[str, Any]]  # JSON


def battle_page(battle: Battle, *, may_read_all: bool = True) -> BattlePage:
    """``battle`` comes with its models, question and answers selected; one query for the votes.

    Where the reader may not read all, texts come without personal data.
    """
    votes = list(battle.votes.order_by("id"))
    question, sides = battle.question, (battle.answer_a, battle.answer_b)
    replaced = battle.metadata.get("replaced", [])
    if not may_read_all and question is not None:
        question = disclosed_question(question)
        sides = tuple(answer and disclosed_answer(answer) for answer in sides)  # type: ignore[assignment]  # two stay two
        replaced = disclosed_replaced(replaced)
    turns_a, turns_b = (exchanges(answer) if answer else [] for answer in sides)
    return BattlePage(
        battle=battle,
        question=question,
        turns_a=turns_a,
        turns_b=turns_b,
        votes=votes[:VOTES_SHOWN],
        tally=tally(votes),
        repeated=battle.metadata.get("repeated", 0),
        replaced=replaced,
    )
