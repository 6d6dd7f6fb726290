"""Casting a vote: ballot spent, vote stored, doubts marked, in one transaction."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

from django.db import IntegrityError
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from arena.models import (
    Ballot,
    BallotStatus,
    Exclusion,
    Outcome,
    Side,
    Vote,
)
from arena.models.voting import BALLOT_VALID_FOR
from arena.voting.doubts import Activity, activity, fastest_reading_s, is_beyond_caps
from arena.voting.policy import current_policy
from arena.voting.statements import ballot_of_token
from arena.voting.storing import close_ballot, store_vote
from arena.voting.voters import Visitor, has_signed_out

LEFT, RIGHT, TIE, BOTH_BAD = "left", "right", "tie", "both_bad"
CHOICES = (LEFT, RIGHT, TIE, BOTH_BAD)
REASONS: dict[str, str | Promise] = {
    "accurate": _("More accurate"),
    "helpful": _("More helpful"),
    "follows": _("Follows the instructions"),
    "clear": _("Clearer"),
    "complete": _("More complete"),
    "concise": _("To the point"),
    "style": _("Better style"),
    "safe": _("Safer"),
}
STRENGTHS: dict[int, str | Promise] = {1: _("Slightly"), 2: _("Clearly"), 3: _("Much")}


class BallotError(Exception):
    """The vote was not taken; ``code`` and ``status`` tell a program why, the text a person."""

    code = "refused"
    status = 400
    text: str | Promise = _("The vote could not be read; choose one of the buttons.")

    def __init__(self, ballot: Ballot | None = None, retry_after_s: int | None = None) -> None:
        self.ballot = ballot
        self.retry_after_s = retry_after_s
        super().__init__(str(self.text))


class UnknownBallotError(BallotError):
    code, status = "unknown", 404
    text = _("This battle is not known here. Here is another one.")


class ForeignBallotError(BallotError):
    code, status = "foreign", 403
    text = _("This battle was handed out to somebody else. Here is one of your own.")


class SignedOutError(BallotError):
    code, status = "signed_out", 409
    text = _(
        "Since this battle was opened, you have been signed out, and nothing was saved. Sign in "
        "again and the battle waits for you, or open the page again and go on with a fresh one."
    )


class SpentBallotError(BallotError):
    code, status = "already_voted", 409
    text = _("You have voted on this battle already; the first vote counts.")


class SkippedBallotError(BallotError):
    code, status = "already_skipped", 409
    text = _("You have skipped this battle; here is the next.")


class ExpiredBallotError(BallotError):
    code, status = "expired", 410
    text = _("This battle was open for too long. Here is a fresh one.")


class ClosedRoundError(BallotError):
    code, status = "round_closed", 410
    text = _("This round is closed.")


class NotJoinedError(BallotError):
    code, status = "not_joined", 403
    text = _("You have not joined this round. Read what it is about, and begin here.")


class TooManyVotesError(BallotError):
    code, status = "too_many", 429
    text = _("That was very fast. Take a minute; this battle waits for you.")


def find_ballot(visitor: Visitor | None, token: str) -> Ballot:
    """The visitor's ballot, whatever its status; raises what ``refusal_of`` says."""
    return own_ballot(visitor, ballot_of_token(token[:64]))


def own_ballot(visitor: Visitor | None, ballot: Ballot | None) -> Ballot:
    """The ballot of a token, if it is the visitor's; raises what ``refusal_of`` says."""
    if ballot is None or visitor is None or ballot.voter_id != visitor.voter.pk:
        raise refusal_of(visitor, ballot)
    return ballot


def refusal_of(visitor: Visitor | None, ballot: Ballot | None) -> BallotError:
    """Why what a token leads to is not the visitor's."""
    if ballot is None:
        return ForeignBallotError() if visitor is None else UnknownBallotError()
    return SignedOutError() if has_signed_out(visitor, ballot.voter_id) else ForeignBallotError()


def outcome_of(ballot: Ballot, choice: str) -> Outcome:
    """The battle's outcome for a choice between what was shown."""
    if choice in (TIE, BOTH_BAD):
        return Outcome(choice)
    if choice not in CHOICES:
        raise BallotError(ballot)
    side = ballot.sides[0] if choice == LEFT else ballot.sides[1]
    return Outcome.MODEL_A if side == Side.A else Outcome.MODEL_B


def _require_open(ballot: Ballot, now: dt.datetime) -> None:
    if ballot.status == BallotStatus.VOTED:
        raise SpentBallotError(ballot)
    if ballot.status == BallotStatus.SKIPPED:
        raise SkippedBallotError(ballot)
    if ballot.status == BallotStatus.EXPIRED or now - ballot.drawn_at > BALLOT_VALID_FOR:
        raise ExpiredBallotError(ballot)
    if ballot.round_id is not None and ballot.round is not None and not ballot.round.is_open:
        raise ClosedRoundError(ballot)


def _require_no_flood(ballot: Ballot, lately: Activity) -> None:
    if lately.last_minute >= current_policy().refused_votes_per_minute:
        raise TooManyVotesError(ballot, retry_after_s=60)


def cast_vote(
    *,
    visitor: Visitor,
    ballot: Ballot,
    choice: str,
    strength: int | None = None,
    reasons: Sequence[str] = (),
    lately: Activity | None = None,
    propose: Callable[[], Ballot | None] = lambda: None,
) -> Vote:
    """Spend the ballot on ``choice``; raises a BallotError and stores nothing when it cannot be.

    ``lately`` is read where it is not known yet. Of two simultaneous casts the database lets one
    through: a voter has one vote per battle, and the ballot is closed by a conditional update.
    ``propose`` draws what is stored along with the vote, see ``store_vote``; it is called once
    nothing speaks against the vote any more.
    """
    now = timezone.now()
    outcome = outcome_of(ballot, choice)
    _require_open(ballot, now)
    vote = Vote(
        battle=ballot.battle,
        voter=visitor.voter,
        outcome=outcome,
        shown_first=ballot.shown_first,
        draw_probability=ballot.draw_probability,
        strength=strength if strength in STRENGTHS and choice in (LEFT, RIGHT) else None,
        reasons=[reason for reason in REASONS if reason in reasons],
        created_at=now,
    )
    lately = lately or _activity(visitor, ballot, now)
    _require_no_flood(ballot, lately)
    reading_s = _reading_s(ballot, lately, now)
    vote.exclusion = _doubt(visitor, ballot, lately, reading_s)
    how = {"ballot_id": ballot.pk, "closed_at": now, "reading_s": reading_s}
    drawn = propose()
    _require_closed(
        ballot,
        (drawn is not None and _is_stored(vote, how, drawn)) or _is_stored(vote, how, None),
    )
    ballot.status, ballot.closed_at, ballot.reading_s = BallotStatus.VOTED, now, reading_s
    ballot.vote = vote
    return vote


def _is_stored(vote: Vote, how: dict[str, Any], drawn: Ballot | None) -> bool:
    try:
        return store_vote(vote, **how, drawn=drawn)
    except IntegrityError:
        if drawn is not None:
            drawn.pk = None  # which it may have had until the transaction was to be committed
        return False


def skip_battle(*, visitor: Visitor, ballot: Ballot, lately: Activity | None = None) -> None:
    """Close the ballot without a vote; skipping never counts for or against a model. It has the
    minute's limit of votes, or skipping would be the way to fish for a pair.
    """
    now = timezone.now()
    _require_open(ballot, now)
    lately = lately or _activity(visitor, ballot, now)
    _require_no_flood(ballot, lately)
    reading_s = _reading_s(ballot, lately, now)
    status = BallotStatus.SKIPPED
    is_closed = close_ballot(ballot.pk, status=status, closed_at=now, reading_s=reading_s)
    _require_closed(ballot, is_closed)
    ballot.status, ballot.closed_at, ballot.reading_s = status, now, reading_s


def _require_closed(ballot: Ballot, is_closed: bool) -> None:
    """By us: somebody else may have been faster, or have removed it."""
    if not is_closed:
        try:
            ballot.refresh_from_db()
        except Ballot.DoesNotExist:
            raise UnknownBallotError from None
        if ballot.status == BallotStatus.SKIPPED:
            raise SkippedBallotError(ballot)
        if ballot.status == BallotStatus.OPEN:
            # one of two ballots on the battle, by the other of which its voter has voted
            mine = Ballot.objects.filter(pk=ballot.pk, status=BallotStatus.OPEN)
            mine.update(status=BallotStatus.EXPIRED, closed_at=timezone.now())
        raise SpentBallotError(ballot)


def _activity(visitor: Visitor, ballot: Ballot, now: dt.datetime) -> Activity:
    return activity(
        voter_id=visitor.voter.pk,
        address_key=visitor.address_key,
        battle_id=ballot.battle_id,
        now=now,
    )


def _reading_s(ballot: Ballot, lately: Activity, now: dt.datetime) -> float:
    """Seconds since the battle could be seen; by this host's clock, never by the browser's."""
    visible_at = max(ballot.drawn_at, lately.last_closed_at or ballot.drawn_at)
    return max((now - visible_at).total_seconds(), 0.0)


def _doubt(visitor: Visitor, ballot: Ballot, lately: Activity, reading_s: float) -> str:
    """The first reason not to count this vote, or nothing."""
    policy = current_policy()
    if ballot.is_gold:
        return Exclusion.CONTROL
    if is_beyond_caps(policy, lately):
        return Exclusion.RATE_LIMITED
    is_anonymous = visitor.voter.user_id is None
    if ballot.round_id is None and is_anonymous and lately.same_battle_from_address:
        return Exclusion.DUPLICATE
    battle = ballot.battle
    if reading_s < fastest_reading_s(policy, (battle.answer_a_id, battle.answer_b_id)):
        return Exclusion.TOO_FAST
    return ""
