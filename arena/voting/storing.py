"""What a vote and a draw write, each in one go.

PostgreSQL takes several writes as one statement, which spares the round trips between them and the
transaction around them. SQLite does not, and has no round trips to spare.
"""

from __future__ import annotations

import datetime as dt
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any, Final

from django.db import connection, transaction

from arena.models import Ballot, Battle, Vote
from arena.voting.statements import (
    columns_of,
    fast_cursor,
    insert,
    is_postgresql,
    mark_stored,
    values_of,
)


def _as_a_whole() -> AbstractContextManager[Any]:  # atomic has a type of its own
    """A transaction where several statements follow; where one does it all, no more than a
    savepoint, and that only within a transaction that is to outlive a failure.
    """
    if is_postgresql() and not connection.in_atomic_block:
        return nullcontext()
    return transaction.atomic()


_CLOSE: Final = """
UPDATE arena_ballot SET status = %s, closed_at = %s, reading_s = %s, vote_id = %s
WHERE id = %s AND status = 'open'
"""


def close_ballot(
    pk: int, *, status: str, closed_at: dt.datetime, reading_s: float, vote_id: int | None = None
) -> bool:
    """Whether it was open until now: of two who close it at once, one is told so."""
    moment = connection.ops.adapt_datetimefield_value(closed_at)
    with fast_cursor() as cursor:
        cursor.execute(_CLOSE, [status, moment, reading_s, vote_id, pk])
        return bool(cursor.rowcount)


@cache
def _vote_with_its_ballot() -> str:
    columns = columns_of(Vote)
    return f"""
    WITH numbered AS (SELECT nextval(pg_get_serial_sequence('arena_vote', 'id')) AS id),
    closed AS (
      UPDATE arena_ballot
      SET status = 'voted', closed_at = %s, reading_s = %s, vote_id = numbered.id
      FROM numbered WHERE arena_ballot.id = %s AND status = 'open' RETURNING vote_id)
    INSERT INTO arena_vote (id, {", ".join(columns)})
    SELECT closed.vote_id, {", ".join(["%s"] * len(columns))} FROM closed RETURNING id
    """


def store_vote(vote: Vote, *, ballot_id: int, closed_at: dt.datetime, reading_s: float) -> bool:
    """The new vote, and its ballot closed by it; False, and nothing stored, when the ballot was
    closed before. Raises IntegrityError for a second vote of the voter on the battle.
    """
    with _as_a_whole():
        if is_postgresql():
            with fast_cursor() as cursor:
                cursor.execute(
                    _vote_with_its_ballot(), [closed_at, reading_s, ballot_id, *values_of(vote)]
                )
                stored = cursor.fetchone()
            if stored:
                mark_stored(vote, stored[0])
            return stored is not None
        insert(vote)
        how = {"status": "voted", "closed_at": closed_at, "reading_s": reading_s}
        is_closed = close_ballot(ballot_id, **how, vote_id=vote.pk)  # type: ignore[arg-type]
        transaction.set_rollback(not is_closed)
        return is_closed


def issue(ballot: Ballot) -> Ballot:
    """Store a new ballot on a stored battle; IntegrityError if the voter has one already."""
    with _as_a_whole():
        return insert(ballot)


_KNOWN: Final = """
SELECT id, exclusion FROM arena_battle
WHERE answer_a_id = %(answer_a_id)s AND answer_b_id = %(answer_b_id)s AND origin = 'stored'
"""
_DUE: Final = """
SELECT id FROM known WHERE exclusion = '' AND NOT EXISTS (
  SELECT 1 FROM arena_ballot WHERE battle_id = known.id AND voter_id = %(voter_id)s)
"""


@cache
def _new_battle() -> str:
    columns = columns_of(Battle)
    places = ", ".join(f"%({column})s" for column in columns)
    return f"""
    INSERT INTO arena_battle ({", ".join(columns)})
    SELECT {places} WHERE NOT EXISTS ({_KNOWN}) ON CONFLICT DO NOTHING RETURNING id
    """


@cache
def _new_ballot(due: str) -> str:
    columns = columns_of(Ballot, besides="battle_id")
    places = ", ".join(f"%(ballot_{column})s" for column in columns)
    return f"""
    INSERT INTO arena_ballot (battle_id, {", ".join(columns)})
    SELECT due.id, {places} FROM ({due}) AS due RETURNING id, battle_id
    """


def issue_with_battle(ballot: Ballot) -> bool:
    """Store a new ballot, and its battle of two stored answers unless that is there already.

    False, and no ballot, when the voter has seen the battle or nobody may vote on it.
    """
    battle = ballot.battle
    values = dict(zip(columns_of(Battle), values_of(battle), strict=True))
    own = zip(columns_of(Ballot, besides="battle_id"), values_of(ballot, "battle_id"), strict=True)
    values |= {"voter_id": ballot.voter_id} | {f"ballot_{column}": value for column, value in own}
    with _as_a_whole(), fast_cursor() as cursor:
        if is_postgresql():
            due = f"SELECT id FROM made UNION ALL {_DUE}"
            known = f"WITH known AS ({_KNOWN}), made AS ({_new_battle()})"
            cursor.execute(f"{known} {_new_ballot(due)}", values)
        else:
            cursor.execute(_new_battle(), values)
            cursor.execute(f"WITH known AS ({_KNOWN}) {_new_ballot(_DUE)}", values)
        row = cursor.fetchone()
    if row is None:
        return False
    ballot.battle = mark_stored(battle, row[1])
    mark_stored(ballot, row[0])
    return True
