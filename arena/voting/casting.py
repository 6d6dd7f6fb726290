"""Casting a vote: ballot spent, vote stored, doubts marked, in one transaction."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, connection, transaction
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
    VotingPolicy,
)
from arena.models.voting import BALLOT_VALID_FOR
from arena.voting.facts import FACTS
from arena.voting.policy import current_policy
from arena.voting.reading import minimum_reading_s
from arena.voting.voters import Visitor

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


class SpentBallotError(BallotError):
    code, status = "already_voted", 409
    text = _("You have voted on this battle already; the first vote counts.")


class ExpiredBallotError(BallotError):
    code, status = "expired", 410
    text = _("This battle was open for too long. Here is a fresh one.")


class TooManyVotesError(BallotError):
    code, status = "too_many", 429
    text = _("That was very fast. Take a minute; this battle waits for you.")


@dataclass(frozen=True, slots=True)
class _Activity:
    """What else this voter, and this address, did lately."""

    last_minute: int
    last_hour: int
    last_day: int
    last_closed_at: dt.datetime | None
    from_address: int
    same_battle_from_address: bool


_MODEL_COLUMNS = ("slug", "display_name", "organisation", "is_demo")
_BALLOT_COLUMNS = (
    *(field.name for field in Ballot._meta.concrete_fields),
    *("battle__question", "battle__answer_a", "battle__answer_b", "battle__exclusion"),
    *(f"battle__model_a__{name}" for name in _MODEL_COLUMNS),
    *(f"battle__model_b__{name}" for name in _MODEL_COLUMNS),
    "round__code",
)


def find_ballot(visitor: Visitor, token: str) -> Ballot:
    """The visitor's ballot, whatever its status; raises Unknown- or ForeignBallotError."""
    ballot = (
        Ballot.objects.select_related("battle__model_a", "battle__model_b", "round")
        .only(*_BALLOT_COLUMNS)
        .filter(token=token[:64])
        .order_by()
        .first()
    )
    if ballot is None:
        raise UnknownBallotError
    if ballot.voter_id != visitor.voter.pk:
        raise ForeignBallotError
    return ballot


def outcome_of(ballot: Ballot, choice: str) -> Outcome:
    """The battle's outcome for a choice between what was shown."""
    if choice in (TIE, BOTH_BAD):
        return Outcome(choice)
    if choice not in CHOICES:
        raise BallotError(ballot)
    side = ballot.sides[0] if choice == LEFT else ballot.sides[1]
    return Outcome.MODEL_A if side == Side.A else Outcome.MODEL_B


def _require_open(ballot: Ballot, now: dt.datetime) -> None:
    if ballot.status in (BallotStatus.VOTED, BallotStatus.SKIPPED):
        raise SpentBallotError(ballot)
    if ballot.status == BallotStatus.EXPIRED or now - ballot.drawn_at > BALLOT_VALID_FOR:
        raise ExpiredBallotError(ballot)


# one statement instead of five: it runs before every vote
_ACTIVITY = """
SELECT
  (SELECT COUNT(*) FROM arena_ballot WHERE voter_id = %(voter)s AND closed_at > %(minute)s),
  (SELECT COUNT(*) FROM arena_ballot WHERE voter_id = %(voter)s AND closed_at > %(hour)s),
  (SELECT COUNT(*) FROM arena_ballot WHERE voter_id = %(voter)s AND closed_at > %(day)s),
  (SELECT MAX(closed_at) FROM arena_ballot WHERE voter_id = %(voter)s),
  (SELECT COUNT(*) FROM (
     SELECT 1 FROM arena_ballot WHERE address_key = %(address)s AND closed_at > %(hour)s
     LIMIT %(limit)s) AS recent),
  EXISTS (
     SELECT 1 FROM arena_ballot AS other JOIN arena_voter ON arena_voter.id = other.voter_id
     WHERE other.battle_id = %(battle)s AND other.address_key = %(address)s
       AND other.status = 'voted' AND other.voter_id <> %(voter)s
       AND arena_voter.user_id IS NULL)
"""


def _activity(visitor: Visitor, ballot: Ballot, now: dt.datetime) -> _Activity:
    def ago(**length: float) -> Any:  # text or a datetime, as the database wants it
        return connection.ops.adapt_datetimefield_value(now - dt.timedelta(**length))

    values: dict[str, Any] = {
        "voter": visitor.voter.pk,
        "battle": ballot.battle_id,
        # an unknown address has an empty key, which no stored ballot is to be matched with
        "address": visitor.address_key or "unknown",
        "limit": current_policy().marked_votes_per_address_and_hour + 1,
        "minute": ago(minutes=1),
        "hour": ago(hours=1),
        "day": ago(days=1),
    }
    with connection.cursor() as cursor:
        cursor.execute(_ACTIVITY, values)
        minute, hour, day, last, here, same = cursor.fetchone()
    if isinstance(last, str):
        last = dt.datetime.fromisoformat(last).replace(tzinfo=dt.UTC)
    return _Activity(minute, hour, day, last, here, bool(same))


def cast_vote(
    *,
    visitor: Visitor,
    ballot: Ballot,
    choice: str,
    strength: int | None = None,
    reasons: Sequence[str] = (),
) -> Vote:
    """Spend the ballot on ``choice``; raises a BallotError and stores nothing when it cannot be.

    Of two simultaneous casts the database lets one through: a voter has one vote per battle, and
    the ballot is closed by a conditional update.
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
    policy, activity = current_policy(), _activity(visitor, ballot, now)
    if activity.last_minute >= policy.refused_votes_per_minute:
        raise TooManyVotesError(ballot, retry_after_s=60)
    reading_s = _reading_s(ballot, activity, now)
    vote.exclusion = _doubt(visitor, ballot, policy, activity, reading_s)
    try:
        with transaction.atomic():
            vote.save(force_insert=True)
            _close(ballot, BallotStatus.VOTED, now, reading_s, vote)
    except IntegrityError:
        ballot.refresh_from_db()
        raise SpentBallotError(ballot) from None
    return vote


@transaction.atomic
def skip_battle(*, visitor: Visitor, ballot: Ballot) -> None:
    """Close the ballot without a vote; skipping never counts for or against a model."""
    now = timezone.now()
    _require_open(ballot, now)
    activity = _activity(visitor, ballot, now)
    _close(ballot, BallotStatus.SKIPPED, now, _reading_s(ballot, activity, now))


def _close(
    ballot: Ballot,
    status: BallotStatus,
    now: dt.datetime,
    reading_s: float,
    vote: Vote | None = None,
) -> None:
    closed = Ballot.objects.filter(pk=ballot.pk, status=BallotStatus.OPEN).update(
        status=status, closed_at=now, reading_s=reading_s, vote=vote
    )
    if not closed:
        ballot.refresh_from_db()
        raise SpentBallotError(ballot)
    ballot.status, ballot.closed_at, ballot.reading_s, ballot.vote = status, now, reading_s, vote


def _reading_s(ballot: Ballot, activity: _Activity, now: dt.datetime) -> float:
    """Seconds since the battle could be seen; by this host's clock, never by the browser's."""
    visible_at = max(ballot.drawn_at, activity.last_closed_at or ballot.drawn_at)
    return max((now - visible_at).total_seconds(), 0.0)


def _doubt(
    visitor: Visitor,
    ballot: Ballot,
    policy: VotingPolicy,
    activity: _Activity,
    reading_s: float,
) -> str:
    """The first reason not to count this vote, or nothing."""
    if ballot.is_gold:
        return Exclusion.CONTROL
    if (
        activity.last_hour >= policy.marked_votes_per_hour
        or activity.last_day >= policy.marked_votes_per_day
        or activity.from_address > policy.marked_votes_per_address_and_hour
    ):
        return Exclusion.RATE_LIMITED
    is_anonymous = visitor.voter.user_id is None
    if ballot.round_id is None and is_anonymous and activity.same_battle_from_address:
        return Exclusion.DUPLICATE
    if reading_s < _fastest_reading_s(ballot, policy):
        return Exclusion.TOO_FAST
    return ""


def _fastest_reading_s(ballot: Ballot, policy: VotingPolicy) -> float:
    battle = ballot.battle
    ids = [pk for pk in (battle.answer_a_id, battle.answer_b_id) if pk is not None]
    return minimum_reading_s(
        sum(fact.reading_weight for fact in FACTS.of(ids).values()),
        characters_per_second=policy.characters_per_second,
        at_least_s=policy.minimum_reading_s,
    )
