"""Looking over votes: who votes unlike everybody else, who fails control questions, and undoing it.

Nothing is deleted. A reason is set on votes or lifted from them, and each such act is a row.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from arena.models import (
    Ballot,
    BallotStatus,
    Exclusion,
    IntegrityAction,
    LanguageModel,
    Outcome,
    Vote,
    Voter,
    VoteSource,
    VotingPolicy,
)
from arena.voting.merging import is_twin
from arena.voting.outlier_screen import DecisiveVotes
from arena.voting.outliers import OutlierTest, outlier_test

LIFTED = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """A voter whose votes were marked, and why."""

    voter: Voter
    exclusion: Exclusion
    detail: str
    votes_changed: int


def decisive_votes() -> DecisiveVotes:
    """Counted decisive votes cast here, in the order cast."""
    rows = (
        Vote.objects.filter(
            source=VoteSource.HUMAN,
            exclusion__in=("", Exclusion.OUTLIER_VOTER),
            battle__exclusion="",
            outcome__in=(Outcome.MODEL_A, Outcome.MODEL_B),
            voter__isnull=False,
        )
        .order_by()  # a database that hands rows out in order looks up each battle alone
        .values_list("id", "voter_id", "battle__model_a_id", "battle__model_b_id", "outcome")
        .iterator(chunk_size=20_000)
    )
    columns = [("id", "i8"), ("voter", "i8"), ("a", "i8"), ("b", "i8"), ("outcome", "U8")]
    votes = np.fromiter(rows, dtype=columns)
    votes = votes[np.argsort(votes["id"])]
    is_a_better, is_a_first = votes["outcome"] == Outcome.MODEL_A, votes["a"] < votes["b"]
    return DecisiveVotes(
        voter=votes["voter"],
        first=np.minimum(votes["a"], votes["b"]),
        second=np.maximum(votes["a"], votes["b"]),
        is_first_better=is_a_better == is_a_first,
    )


def outlier_tests() -> dict[int, OutlierTest]:
    """The sequential test of every voter with enough decisive votes, by voter id; of outliers with
    their strangest votes.
    """
    votes = decisive_votes()
    tests = votes.tests()
    outliers = [voter for voter, test in tests.items() if test.is_outlier]
    history = votes.history() if outliers else {}
    return tests | {voter: outlier_test(votes.of(voter), history) for voter in outliers}


def gold_failures(voters: Collection[int] | None = None) -> dict[int, tuple[int, int]]:
    """Per voter id, of all or of those named: control questions failed, and answered."""
    ballots = Ballot.objects.filter(status=BallotStatus.VOTED, battle__gold__isnull=False)
    if voters is not None:
        ballots = ballots.filter(voter__in=voters)
    rows = ballots.values_list("voter_id", "vote__outcome", "battle__gold__expected")
    counts: dict[int, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for voter_id, outcome, expected in rows:
        failed, answered = counts[voter_id]
        counts[voter_id] = (failed + (outcome != expected), answered + 1)
    return dict(counts)


def review_voters() -> list[Finding]:
    """Mark what the tests find; run by staff or by the clock, any number of times.

    Voters whose marks staff have lifted are left alone; those whom staff have excluded stay so,
    with what they gave since.
    """
    policy = VotingPolicy.current()
    tests, gold = outlier_tests(), gold_failures()
    last_word = _last_word_of_staff()
    voters = Voter.objects.in_bulk({*tests, *gold} - set(last_word))
    findings = [mark_voter(voter, Exclusion.STAFF) for voter in _excluded_voters()]
    for voter in voters.values():
        failed, answered = gold.get(voter.pk, (0, 0))
        test = tests.get(voter.pk)
        if failed >= policy.gold_failures and 2 * failed > answered:
            detail = _("{failed} of {answered} control questions failed").format(
                failed=failed, answered=answered
            )
            findings.append(mark_voter(voter, Exclusion.GOLD_FAILED, detail=detail))
        elif test is not None and test.is_outlier:
            findings.append(mark_voter(voter, Exclusion.OUTLIER_VOTER, detail=describe(test)))
    return [finding for finding in findings if finding.votes_changed]


def describe(test: OutlierTest) -> str:
    """Why a voter was flagged, with the strangest votes, for staff to check."""
    names = dict(LanguageModel.objects.values_list("id", "display_name"))
    strange = "; ".join(
        _("{winner} over {loser} (p = {p:.3f})").format(
            winner=names.get(vote.pair[0 if vote.is_first_better else 1], "?"),
            loser=names.get(vote.pair[1 if vote.is_first_better else 0], "?"),
            p=p,
        )
        for vote, p in test.strangest
    )
    return _(
        "{factor:.0f} : 1 against voting like the others, after {votes} votes. {strange}"
    ).format(factor=math.exp(min(test.log_evidence, 20)), votes=test.stopped_at, strange=strange)


def _last_word_of_staff() -> dict[int, str]:
    """By voter, the reason that staff gave them last, or that they lifted; what was done to one
    vote of theirs says nothing of the voter.
    """
    acts = IntegrityAction.objects.filter(
        voter__isnull=False,
        vote__isnull=True,
        done_by__isnull=False,
        exclusion__in=(LIFTED, Exclusion.STAFF),
    )
    return {
        voter_id or 0: exclusion
        for voter_id, exclusion in acts.order_by("id").values_list("voter_id", "exclusion")
    }


def _excluded_voters() -> QuerySet[Voter]:
    last_word = _last_word_of_staff()
    return Voter.objects.filter(pk__in=[pk for pk, word in last_word.items() if word != LIFTED])


def _given(voter: Voter) -> tuple[QuerySet[Any], ...]:
    """Everything of this voter's that boards and means count: rows of two tables."""
    return voter.votes.all(), voter.satisfaction_ratings.filter(score__isnull=False)


def _without_twins(rows: QuerySet[Any], subject: str) -> QuerySet[Any]:
    """Without those marked because one person dealt with this before signing in and after."""
    twice = rows.filter(is_twin(subject), exclusion=Exclusion.DUPLICATE)
    return rows.exclude(pk__in=twice.values("pk"))


def set_expert(voter: Voter, *, is_expert: bool) -> None:
    """Boards may count experts only; the change holds for the votes they have cast already."""
    Voter.objects.filter(pk=voter.pk).update(is_expert=is_expert)


@transaction.atomic
def mark_voter(
    voter: Voter, exclusion: Exclusion, *, detail: str = "", by: User | None = None
) -> Finding:
    """Set the reason on all of the voter's counted votes and satisfaction ratings."""
    changed = sum(rows.filter(exclusion="").update(exclusion=exclusion) for rows in _given(voter))
    if changed or by is not None:  # what staff say of a voter holds for what is still to come
        IntegrityAction.objects.create(
            voter=voter, exclusion=exclusion, detail=detail, votes_changed=changed, done_by=by
        )
    return Finding(voter, exclusion, detail, changed)


@transaction.atomic
def lift_from_voter(voter: Voter, *, by: User, reason: Exclusion | None = None) -> int:
    """Count what the voter gave again, all of it or what carries this reason. Control questions
    stay what they are, and so do votes on battles that the same person judged twice, before and
    after signing in.
    """
    changed = 0
    for rows, subject in zip(
        _given(voter), ("battle__votes", "answer__satisfaction_ratings"), strict=True
    ):
        marked = rows.exclude(exclusion__in=("", Exclusion.CONTROL))
        marked = marked.filter(exclusion=reason) if reason else marked
        changed += _without_twins(marked, subject).update(exclusion=LIFTED)
    IntegrityAction.objects.create(voter=voter, exclusion=LIFTED, votes_changed=changed, done_by=by)
    return changed


@transaction.atomic
def lift_reason(reason: Exclusion, *, by: User) -> int:
    """Count every vote again that carries this reason, one act per voter. Of those whom the tests
    have singled out, or staff, this is the last word, as it is when their marks are lifted one by
    one.
    """
    rows = Vote.objects.filter(exclusion=reason)
    is_of_voter = reason in (Exclusion.OUTLIER_VOTER, Exclusion.GOLD_FAILED)
    voters = Voter.objects.none()
    if is_of_voter:
        voters = Voter.objects.filter(pk__in=rows.values("voter"))
    elif reason == Exclusion.STAFF:
        voters = _excluded_voters()
    changed = sum(lift_from_voter(voter, by=by, reason=reason) for voter in voters)
    if not is_of_voter:
        left = _without_twins(rows, "battle__votes").update(exclusion=LIFTED)
        detail = _("all that were marked: {reason}").format(reason=reason.label)
        IntegrityAction.objects.create(
            exclusion=LIFTED, detail=detail, votes_changed=left, done_by=by
        )
        changed += left
    return changed


@transaction.atomic
def mark_votes(votes: Iterable[Vote], exclusion: str, *, by: User) -> int:
    """Set or lift a reason on single votes; those on control questions stay what they are, and of
    one person's votes on a battle only one can count.
    """
    changed = 0
    for vote in votes:
        rows: QuerySet[Any] = Vote.objects.filter(pk=vote.pk)
        rows = rows.exclude(exclusion=Exclusion.CONTROL)
        if exclusion == LIFTED:
            rows = _without_twins(rows, "battle__votes")
        if rows.update(exclusion=exclusion):
            changed += 1
            IntegrityAction.objects.create(
                voter=vote.voter, vote=vote, exclusion=exclusion, votes_changed=1, done_by=by
            )
    return changed
