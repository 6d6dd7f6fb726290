"""Ballots a voter holds already: they come back until they are voted on or skipped."""

from __future__ import annotations

from django.utils import timezone

from arena.models import Ballot, BallotStatus, BattleOrigin, InviteRound, Voter
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
    rows = Ballot.objects.filter(voter=voter, round=invite).exclude(token=besides).order_by("id")
    rows = rows.exclude(battle__question__question_set__slug=LIVE_SET)
    return rows.open().select_related("battle__question").first() or _renewed(rows)


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


def _renewed(rows: BallotQuerySet) -> Ballot | None:
    """The oldest of those past their time, with a new token, as if it was drawn now: a voter has
    one ballot per battle.
    """
    now = timezone.now()
    past = rows.filter(status=BallotStatus.OPEN, drawn_at__lte=now - BALLOT_VALID_FOR)
    for ballot in past.select_related("battle__question")[:3]:
        token = new_token()
        mine = Ballot.objects.filter(pk=ballot.pk, token=ballot.token, status=BallotStatus.OPEN)
        if mine.update(token=token, drawn_at=now):
            ballot.token, ballot.drawn_at = token, now
            return ballot
    return None
