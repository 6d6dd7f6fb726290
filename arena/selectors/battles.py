from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Prefetch, Q, QuerySet

from arena.models import Battle, Outcome, Vote
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
    """One battle with both conversations; imported battles may have no question or answers."""

    battle: Battle
    turns_a: list[Exchange]
    turns_b: list[Exchange]
    votes: list[Vote]
    tally: Tally


def battle_page(battle: Battle) -> BattlePage:
    """``battle`` comes with its models, question and answers selected; one query for the votes."""
    votes = list(battle.votes.order_by("id"))
    return BattlePage(
        battle=battle,
        turns_a=exchanges(battle.answer_a) if battle.answer_a else [],
        turns_b=exchanges(battle.answer_b) if battle.answer_b else [],
        votes=votes[:VOTES_SHOWN],
        tally=tally(votes),
    )
