"""What a board counts, as a checked value, and the rows it matches as querysets.

The query is pydantic, so that a board's JSON is checked when it is saved and a wrong key is an
error that names it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Literal

from django.db.models import Q
from pydantic import BaseModel, ConfigDict

from arena.dialects.languages import spellings_of
from arena.models import LanguageModel, Question, Vote
from arena.models.battle import VoteQuerySet
from arena.models.question import QuestionQuerySet
from judging.models import Judgment, JudgmentMode, JudgmentQuerySet

Source = Literal["people", "judges", "combined"]
Voters = Literal["all", "experts", "accounts"]
DrawWeights = Literal["equal", "inverse"]
Trait = Literal["short", "long", "code", "mathematics", "two_turn", "hard"]


# what somebody judged before signing in, and again after, may count as their former self
_VOTERS: dict[Voters, Q] = {
    "all": Q(),
    "experts": Q(voter__is_expert=True) | Q(voter__merged_into__is_expert=True),
    "accounts": Q(voter__user__isnull=False) | Q(voter__merged_into__user__isnull=False),
}


class BoardQuery(BaseModel):
    """What a board counts. Empty lists mean "all".

    ``traits`` are the derived categories of ``leaderboard.traits``; several must all hold.
    ``include`` names exclusion reasons that are to be counted after all. The bundled demo's
    models are left out unless ``include_demo`` says otherwise. ``voters`` narrows people's votes to
    experts, or to signed-in accounts. ``draw_weights`` "inverse" weighs each vote by one over the
    probability its pair was drawn with, so that the board says what evenly drawn pairs would have.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: Source = "combined"
    question_sets: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    dimensions: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    traits: tuple[Trait, ...] = ()
    judges: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    since: dt.datetime | None = None
    until: dt.datetime | None = None
    include: tuple[str, ...] = ()
    include_demo: bool = False
    voters: Voters = "all"
    draw_weights: DrawWeights = "equal"


def questions_of(query: BoardQuery) -> QuestionQuerySet:
    """The questions whose battles count."""
    questions = Question.objects.filter(question_filter(query, ""))
    for tag in query.tags:
        questions = questions.tagged(tag)
    if not query.question_sets and not query.include_demo:
        questions = questions.filter(question_set__is_demo=False)
    return questions


def votes_of(query: BoardQuery) -> VoteQuerySet:
    """Every vote the query matches, marked or not."""
    return Vote.objects.filter(
        question_filter(query, "battle__question__"),
        _tagged(query, "battle__question"),
        _in_time(query),
        _between_wanted_models(query, ("battle__model_a", "battle__model_b")),
        _VOTERS[query.voters],
    )


def judgments_of(query: BoardQuery, mode: JudgmentMode) -> JudgmentQuerySet:
    """Every judgment the query matches, finished or not, marked or not."""
    is_pairwise = mode == JudgmentMode.PAIRWISE
    subject = "battle" if is_pairwise else "answer"
    sides = ("battle__model_a", "battle__model_b") if is_pairwise else ("answer__model",)
    judgments = Judgment.objects.filter(
        question_filter(query, f"{subject}__question__"),
        _tagged(query, f"{subject}__question"),
        _in_time(query),
        _between_wanted_models(query, sides),
        mode=mode,
    )
    return judgments.filter(judge__slug__in=query.judges) if query.judges else judgments


def question_filter(query: BoardQuery, path: str) -> Q:
    """Conditions on the question, reached by ``path`` ("" or "battle__question__")."""
    wanted = {
        "question_set__slug__in": query.question_sets,
        "category__in": query.categories,
        "dimension__in": query.dimensions,
    }
    condition = Q()
    for lookup, values in wanted.items():
        if values:
            condition &= Q(**{f"{path}{lookup}": list(values)})
    if query.languages:
        spoken = sorted({each for language in query.languages for each in spellings_of(language)})
        detected = Q(**{f"{path}language": "", f"{path}facts__language__in": spoken})
        condition &= Q(**{f"{path}language__in": spoken}) | detected
    for trait in query.traits:
        condition &= Q(**{f"{path}facts__is_{trait}": True})
    return condition


def _tagged(query: BoardQuery, path: str) -> Q:
    condition = Q()
    for tag in query.tags:
        condition &= Q(**{f"{path}__in": Question.objects.tagged(tag).values("pk")})
    return condition


def _in_time(query: BoardQuery) -> Q:
    condition = Q()
    if query.since:
        condition &= Q(created_at__gte=query.since)
    if query.until:
        condition &= Q(created_at__lt=query.until)
    return condition


def _between_wanted_models(query: BoardQuery, paths: Iterable[str]) -> Q:
    demo = LanguageModel.objects.filter(is_demo=True).values_list("id", flat=True)
    hidden = [] if query.include_demo else list(demo)
    condition = Q()
    for path in paths:
        if query.models:
            condition &= Q(**{f"{path}__slug__in": list(query.models)})
        if hidden:
            condition &= ~Q(**{f"{path}_id__in": hidden})
    return condition
