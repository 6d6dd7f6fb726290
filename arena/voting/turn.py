"""What is known when a vote comes in, read in one statement: who votes, on what, after what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.db import connection
from django.http import HttpRequest
from django.utils import timezone

from arena.models import Ballot, Outcome
from arena.models.voting import BALLOT_VALID_FOR
from arena.voting.doubts import (
    ACTIVITY_COLUMNS,
    ACTIVITY_TABLE,
    Activity,
    activity_of,
    activity_values,
)
from arena.voting.keys import address_key, session_key
from arena.voting.progress import PERSONAL_BOARD_FROM
from arena.voting.statements import (
    BALLOT_COLUMNS,
    BALLOT_JOINS,
    SESSION_COLUMNS,
    VOTES_OF,
    ballot_of_row,
    one_row,
    session_of_row,
)
from arena.voting.voters import COOKIE, Visitor, user_of, visitor_of_session


@dataclass(frozen=True, slots=True)
class Turn:
    """``ballot`` is that of the token, whoever it belongs to. ``votes`` are the voter's before this
    one, with those of who became part of them, ``counted`` those that boards count, up to what a
    personal board needs; ``others`` counted votes of others on the battle, by outcome. ``has_open``
    says whether the voter holds a ballot besides this one and the one on the screen.
    """

    visitor: Visitor
    ballot: Ballot | None
    lately: Activity
    votes: int
    counted: int
    others: dict[str, int]
    has_open: bool


# one look at the ballots of the voter, one at the votes on the battle: every further subquery
# costs the database as much as either
_VOTER: Final = "(SELECT voter_id FROM arena_votersession WHERE key = %(session)s)"
_COUNTS: Final = ", ".join(
    f"COUNT(*) FILTER (WHERE outcome = '{outcome}') AS {outcome}" for outcome in Outcome.values
)
_OTHERS: Final = f"""(
  SELECT {_COUNTS}
  FROM arena_vote
  WHERE battle_id = (SELECT battle_id FROM arena_ballot WHERE token = %(token)s)
    AND exclusion = '' AND COALESCE(voter_id, 0) <> {_VOTER}) AS others"""
_TURN: Final = f"""
SELECT {SESSION_COLUMNS}, {BALLOT_COLUMNS},
  {ACTIVITY_COLUMNS.format(voter="person.id", battle="battle.id")},
  {VOTES_OF.format(voter="person.id", limit=PERSONAL_BOARD_FROM)},
  EXISTS (
    SELECT 1 FROM arena_ballot AS other JOIN arena_battle AS its ON its.id = other.battle_id
    WHERE other.voter_id = person.id AND other.closed_at IS NULL AND other.drawn_at > %(since)s
      AND other.round_id IS NULL AND its.exclusion = ''
      AND other.token <> %(token)s AND other.token <> %(besides)s),
  {", ".join(f"others.{outcome}" for outcome in Outcome.values)}
FROM arena_votersession AS session JOIN arena_voter AS person ON person.id = session.voter_id
  LEFT JOIN (arena_ballot AS ballot {BALLOT_JOINS}) ON ballot.token = %(token)s
  CROSS JOIN {ACTIVITY_TABLE.format(voter=_VOTER)}
  CROSS JOIN {_OTHERS}
WHERE session.key = %(session)s
"""


def read_turn(request: HttpRequest, token: str, besides: str = "") -> Turn | None:
    """None for a browser that has not been here, or has signed out; ``besides`` is the ballot on
    the screen.
    """
    cookie = request.COOKIES.get(COOKIE, "")
    if not cookie:
        return None
    address, now = address_key(request.META.get("REMOTE_ADDR", "")), timezone.now()
    values = activity_values(address, now) | {
        "session": session_key(cookie),
        "token": token[:64],
        "besides": besides[:64],
        "since": connection.ops.adapt_datetimefield_value(now - BALLOT_VALID_FOR),
    }
    row = one_row(_TURN, values)
    if row is None:
        return None
    session, rest = session_of_row(row)
    counted_for = session.voter_id
    visitor = visitor_of_session(session, user_of(request), address)
    if visitor is None:
        return None
    if visitor.voter.pk != counted_for:
        return read_turn(request, token, besides)  # signed in since: the account's voter it is
    ballot, rest = ballot_of_row(rest)
    return Turn(
        visitor=visitor,
        ballot=ballot if ballot.pk else None,
        lately=activity_of(rest[:6]),
        votes=rest[6],
        counted=rest[7],
        has_open=bool(rest[8]),
        others={outcome: n for outcome, n in zip(Outcome.values, rest[9:], strict=True) if n},
    )
