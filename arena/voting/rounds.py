"""Closed rounds: invited people judge the same assigned battles, and staff watch the progress."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Count, Max, Q

from arena.models import (
    Answer,
    BallotStatus,
    InviteRound,
    LanguageModel,
    QuestionSet,
    RoundBattle,
    Voter,
)
from arena.models.question import LIVE_SET
from arena.services.battles import stored_battles
from arena.voting.texts import can_be_voted_on, read_facts
from arena.voting.voters import Visitor

SEED = 20_240_401


class EmptyRoundError(ValueError):
    """The chosen models have no two different answers to a common question of the chosen set."""


@dataclass(frozen=True, slots=True)
class AnnotatorProgress:
    voter: Voter
    name: str
    judged: int
    skipped: int
    last_at: dt.datetime | None

    def percent_of(self, total: int) -> int:
        return 100 * (self.judged + self.skipped) // total if total else 0


@transaction.atomic
def create_round(
    *,
    title: str,
    question_set: QuestionSet,
    language_models: Sequence[LanguageModel],
    battles: int,
    category: str = "",
    instructions: str = "",
    is_expert_round: bool = False,
    created_by: User | None = None,
) -> InviteRound:
    """Assign that many battles, drawn evenly over questions and pairs, in a fixed order; never of
    what visitors have asked in live battles.
    """
    pairs = _pairs(question_set, language_models, category)
    if not pairs:
        raise EmptyRoundError(
            f"no two of the chosen models have different answers to a question of {question_set}"
            f"{f' in category {category!r}' if category else ''}; "
            "choose other models, another set or another category"
        )
    random = np.random.default_rng(SEED)
    chosen = [pairs[int(place)] for place in random.permutation(len(pairs))[:battles]]
    made = InviteRound.objects.create(
        title=title,
        instructions=instructions,
        is_expert_round=is_expert_round,
        created_by=created_by,
    )
    rows = stored_battles(chosen).values()
    RoundBattle.objects.bulk_create(
        RoundBattle(round=made, battle=battle, position=position)
        for position, battle in enumerate(rows)
    )
    return made


def _pairs(
    question_set: QuestionSet, language_models: Sequence[LanguageModel], category: str
) -> list[tuple[Answer, Answer]]:
    answers = (
        Answer.objects.done()
        .in_answer_set()
        .to_set(question_set)
        .exclude(question__question_set__slug=LIVE_SET)
        .filter(model__in=language_models)
        .select_related("question", "model")
        .order_by("question_id", "id")
    )
    if category:
        answers = answers.filter(question__category=category)
    by_question: dict[int, list[Answer]] = {}
    facts = read_facts(answer.pk for answer in answers)
    for answer in answers:
        by_question.setdefault(answer.question_id, []).append(answer)
    return [
        (first, second)
        for rows in by_question.values()
        for first, second in combinations(rows, 2)
        if can_be_voted_on((facts[first.pk], facts[second.pk]))
    ]


@transaction.atomic
def join_round(visitor: Visitor, invite: InviteRound, *, name: str = "") -> None:
    """Whoever holds the link takes part; in an expert round as an expert.

    ``name`` is what staff see beside the progress; an empty one keeps what was said before.
    """
    invite.voters.add(visitor.voter)
    if name := name.strip()[:80]:
        invite.annotators.update_or_create(voter=visitor.voter, defaults={"name": name})
    if invite.is_expert_round and not visitor.voter.is_expert:
        Voter.objects.filter(pk=visitor.voter.pk).update(is_expert=True)
        visitor.voter.is_expert = True


@transaction.atomic
def delete_round(invite: InviteRound) -> None:
    """The assignment, the link and the annotators' names go; the votes stay, as votes on battles.

    What is handed out and not voted on is taken back, or it would be asked outside the round.
    """
    invite.ballots.filter(status=BallotStatus.OPEN).delete()
    invite.delete()


def round_progress(invite: InviteRound) -> list[AnnotatorProgress]:
    """Each annotator's count, the furthest first."""
    mine = Q(ballots__round=invite)
    rows = invite.voters.annotate(
        judged=Count("ballots", filter=mine & Q(ballots__status=BallotStatus.VOTED)),
        skipped=Count("ballots", filter=mine & Q(ballots__status=BallotStatus.SKIPPED)),
        last_at=Max("ballots__closed_at", filter=mine),
    ).select_related("user")
    names = dict(invite.annotators.values_list("voter_id", "name"))
    found = [
        AnnotatorProgress(row, names.get(row.pk, ""), row.judged, row.skipped, row.last_at)
        for row in rows
    ]
    return sorted(found, key=lambda entry: -entry.judged)


def own_progress(invite: InviteRound, voter: Voter) -> tuple[int, int]:
    """Battles this voter is done with, and all that are assigned."""
    done = voter.ballots.closed().filter(round=invite).count()
    return done, invite.assignments.count()
