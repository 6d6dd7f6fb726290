"""Ballots a voter holds already: they come back until they are voted on or skipped."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from arena.models import Ballot, BallotStatus, Battle, BattleOrigin, InviteRound, Vote, Voter
from arena.models.question import LIVE_SET
from arena.models.voting import BALLOT_VALID_FOR, BallotQuerySet, new_token
from arena.voting.pool import EVERYTHING, PoolFilter
from arena.voting.statements import open_ballot

MOST_OPEN_BALLOTS = 12
_BATTLE_COLUMNS = ("battle__question", "battle__answer_a", "battle__answer_b")
_SHOWN_COLUMNS = ("token", "shown_first", "round", *_BATTLE_COLUMNS)


def open_ballot_of(voter: Voter, wanted: PoolFilter, besides: str) -> Ballot | None:
    """Whoever changes the filter to fish for pairs gets their open ballots back in the end."""
    if wanted == EVERYTHING:
        drawn_after = timezone.now() - BALLOT_VALID_FOR
        return open_ballot(voter.pk, drawn_after=drawn_after, besides=besides)
    rows = _outside_rounds(Ballot.objects.open(), voter, besides)
    rows = rows.select_related("battle").only(*_SHOWN_COLUMNS)
    found = _suiting(rows, wanted).first()
    if found is None and rows.count() >= MOST_OPEN_BALLOTS:
        return rows.first()
    return found


def forgotten_ballot_of(voter: Voter, wanted: PoolFilter, besides: str) -> Ballot | None:
    """One that was left open for too long, for a voter to whom nothing else is left to show."""
    return _renewed(_suiting(_outside_rounds(Ballot.objects.all(), voter, besides), wanted))


def kept_of_round(voter: Voter, invite: InviteRound, besides: str) -> Ballot | None:
    """Of a round, which wants every battle judged: also one that was left open for too long."""
    judged = Vote.objects.filter(voter=voter, battle=OuterRef("battle"))
    rows = Ballot.objects.filter(voter=voter, round=invite).exclude(token=besides)
    rows = rows.exclude(Exists(judged)).exclude(Exists(skipped_before(voter, invite)))
    rows = rows.exclude(battle__question__question_set__slug=LIVE_SET)
    rows = rows.order_by("id")
    return rows.open().select_related("battle__question").first() or _renewed(
        rows, or_taken_back=True
    )


def skipped_before(voter: Voter, invite: InviteRound) -> BallotQuerySet:
    """What they skipped in the round before they signed in, of the battle of an outer query."""
    own = Ballot.objects.filter(round=invite, battle=OuterRef("battle"))
    return own.filter(voter__merged_into=voter, status=BallotStatus.SKIPPED)


def taken_into_round(
    voter: Voter, battle: Battle, invite: InviteRound, besides: str
) -> Ballot | None:
    """The open ballot the voter holds on the battle from elsewhere, from now on one of the round:
    nobody is to hold two of which only one can be voted on.
    """
    held = Ballot.objects.filter(voter=voter, battle=battle, status=BallotStatus.OPEN)
    try:
        with transaction.atomic():
            taken = held.update(round=invite, is_gold=False, draw_probability=None, drawn_by="")
    except IntegrityError:  # another tab has begun the battle in the round
        return None
    return kept_of_round(voter, invite, besides) if taken else None


def _outside_rounds(rows: BallotQuerySet, voter: Voter, besides: str) -> BallotQuerySet:
    own = rows.filter(voter=voter, round__isnull=True, battle__exclusion="")
    # handed out before a live battle was refused as a control question
    own = own.exclude(battle__origin=BattleOrigin.LIVE)
    return own.exclude(token=besides).order_by("id")


def _suiting(rows: BallotQuerySet, wanted: PoolFilter) -> BallotQuerySet:
    if wanted.category:
        rows = rows.filter(battle__question__category=wanted.category)
    if wanted.language:
        rows = rows.filter(battle__question__language=wanted.language)
    return rows


def _renewed(rows: BallotQuerySet, *, or_taken_back: bool = False) -> Ballot | None:
    """The oldest of those past their time, with a new token, as if it was drawn now: a voter has
    one ballot per battle. Those taken back when two voters became one come back only if wanted.
    """
    now = timezone.now()
    is_past = Q(status=BallotStatus.OPEN, drawn_at__lte=now - BALLOT_VALID_FOR)
    if or_taken_back:
        is_past |= Q(status=BallotStatus.EXPIRED)
    for ballot in rows.filter(is_past).select_related("battle__question")[:3]:
        token = new_token()
        mine = Ballot.objects.filter(pk=ballot.pk, token=ballot.token, status=ballot.status)
        if mine.update(token=token, drawn_at=now, status=BallotStatus.OPEN, closed_at=None):
            ballot.token, ballot.drawn_at = token, now
            ballot.status, ballot.closed_at = BallotStatus.OPEN, None
            return ballot
    return None
