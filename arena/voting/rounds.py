"""Closed rounds: invited people judge the same assigned battles, and staff watch the progress."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Count, Exists, Max, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce
from django.db.models.lookups import Exact

from arena.models import (
    Answer,
    Ballot,
    BallotStatus,
    InviteRound,
    LanguageModel,
    QuestionSet,
    RoundBattle,
    Vote,
    Voter,
)
from arena.models.question import LIVE_SET
from arena.models.voting import new_seed
from arena.services.battles import stored_battles
from arena.voting.merging import OWNER, voters_of
from arena.voting.texts import can_be_voted_on, read_facts
from arena.voting.voters import Visitor

_BATTLES: Final = Count("battle", distinct=True)


class EmptyRoundError(ValueError):
    """The chosen models have no two different answers to a common question of the chosen set."""


@dataclass(frozen=True, slots=True)
class AnnotatorProgress:
    """``before`` are those of the ``judged`` battles that were voted on outside the round."""

    voter: Voter
    name: str
    judged: int
    before: int
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
    seed: int | None = None,
    created_by: User | None = None,
) -> InviteRound:
    """Assign that many battles, drawn evenly over questions and pairs, in a fixed order; never of
    what visitors have asked in live battles.

    From the same answers the same ``seed`` draws the same battles; without one they are drawn anew.
    """
    pairs = _pairs(question_set, language_models, category)
    if not pairs:
        raise EmptyRoundError(
            f"no two of the chosen models have different answers to a question of {question_set}"
            f"{f' in category {category!r}' if category else ''}; "
            "choose other models, another set or another category"
        )
    seed = new_seed() if seed is None else seed
    random = np.random.default_rng(seed)
    chosen = [pairs[int(place)] for place in random.permutation(len(pairs))[:battles]]
    made = InviteRound.objects.create(
        title=title,
        instructions=instructions,
        is_expert_round=is_expert_round,
        seed=seed,
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

    What is handed out and not voted on is taken back, or it would be asked outside the round. Of
    what was skipped outside it as well one ballot is left, that with a vote if there is one.
    """
    invite.ballots.filter(status=BallotStatus.OPEN).delete()
    same = {"battle": OuterRef("battle"), "voter": OuterRef("voter")}
    outside = Ballot.objects.filter(round=None)
    for mine, other in ((invite.ballots, outside), (outside, invite.ballots)):
        twins = mine.exclude(status=BallotStatus.VOTED).filter(Exists(other.filter(**same)))
        twins.delete()
    invite.delete()


def takes_part(voter: Voter, invite: InviteRound) -> bool:
    """Whether they have joined; nobody else is handed a battle of the round."""
    return invite.voters.filter(pk=voter.pk).exists()


def votes_in_round(invite: InviteRound) -> QuerySet[Vote]:
    """What its annotators have said of its battles, in it or outside: a voter has one vote on a
    battle, so one that was cast in ordinary voting or in another round is their judgement here too.

    One person has two on a battle that they judged before signing in as well; of those one counts.
    """
    who = invite.voters.all()
    said = Vote.objects.filter(Q(voter__in=who) | Q(voter__merged_into__in=who))
    return said.filter(battle__in=invite.battles.all())


def _skipped_in(invite: InviteRound) -> QuerySet[Ballot]:
    """Skipped in the round, and not voted on elsewhere since."""
    owner = Coalesce(OuterRef("voter__merged_into"), OuterRef("voter"))
    judged = Vote.objects.filter(Exact(OWNER, owner), battle=OuterRef("battle"))
    return invite.ballots.filter(status=BallotStatus.SKIPPED).exclude(Exists(judged))


def round_progress(invite: InviteRound) -> list[AnnotatorProgress]:
    """Each annotator's count, the furthest first."""
    votes = votes_in_round(invite).order_by().values_list(OWNER)
    judged = {
        owner: counts for owner, *counts in votes.annotate(**_cast(invite), at=Max("created_at"))
    }
    left = _skipped_in(invite).order_by().values_list(OWNER)
    skipped = {owner: counts for owner, *counts in left.annotate(n=_BATTLES, at=Max("closed_at"))}
    names = dict(invite.annotators.values_list("voter_id", "name"))
    found = []
    # who became part of an account, which takes part since then, is counted with it
    for voter in invite.voters.filter(merged_into__isnull=True).select_related("user"):
        n, n_here, voted_at = judged.get(voter.pk, (0, 0, None))
        n_skipped, skipped_at = skipped.get(voter.pk, (0, None))
        found.append(
            AnnotatorProgress(
                voter=voter,
                name=names.get(voter.pk, ""),
                judged=n,
                before=n - n_here,
                skipped=n_skipped,
                last_at=max((at for at in (voted_at, skipped_at) if at), default=None),
            )
        )
    return sorted(found, key=lambda entry: -entry.judged)


@dataclass(frozen=True, slots=True)
class OwnProgress:
    """How far one voter is: battles ``judged``, of which ``before`` outside the round, and
    ``skipped`` in it, of all that are ``assigned``.
    """

    judged: int
    before: int
    skipped: int
    assigned: int

    @property
    def done(self) -> int:
        return self.judged + self.skipped

    @property
    def percent(self) -> int:
        return 100 * self.done // self.assigned if self.assigned else 0


def own_progress(invite: InviteRound, voter: Voter) -> OwnProgress:
    """Of this voter, who need not have joined yet."""
    votes = Vote.objects.filter(voter__in=voters_of(voter), battle__in=invite.battles.all())
    cast = votes.aggregate(**_cast(invite))
    left = _skipped_in(invite).filter(voter__in=voters_of(voter), battle=OuterRef("battle"))
    skipped = Count("pk", filter=Exists(left))
    sizes = invite.assignments.aggregate(assigned=Count("pk"), skipped=skipped)
    return OwnProgress(judged=cast["n"], before=cast["n"] - cast["here"], **sizes)


def _cast(invite: InviteRound) -> dict[str, Count]:
    """Of votes: on how many battles, and on how many of them in the round."""
    here = Count("battle", distinct=True, filter=Q(ballot__round=invite))
    return {"n": _BATTLES, "here": here}
