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

from arena.models import Ballot, BallotStatus, Battle, Vote
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
def _new_battle(condition: str = "") -> str:
    columns = columns_of(Battle)
    places = ", ".join(f"%({column})s" for column in columns)
    return f"""
    INSERT INTO arena_battle ({", ".join(columns)})
    SELECT {places} WHERE NOT EXISTS ({_KNOWN}) {condition} ON CONFLICT DO NOTHING RETURNING id
    """


@cache
def _new_ballot(due: str) -> str:
    columns = columns_of(Ballot, besides="battle_id")
    places = ", ".join(f"%(ballot_{column})s" for column in columns)
    return f"""
    INSERT INTO arena_ballot (battle_id, {", ".join(columns)})
    SELECT due.id, {places} FROM ({due}) AS due RETURNING id, battle_id
    """


_MADE_OR_DUE: Final = f"SELECT id FROM made UNION ALL {_DUE}"


def _values_of_new(ballot: Ballot) -> dict[str, Any]:
    """Of the ballot and of its battle, as the statements above name them."""
    battle = zip(columns_of(Battle), values_of(ballot.battle), strict=True)
    own = zip(columns_of(Ballot, besides="battle_id"), values_of(ballot, "battle_id"), strict=True)
    names = {"voter_id": ballot.voter_id, "battle_id": ballot.battle.pk}
    return dict(battle) | names | {f"ballot_{column}": value for column, value in own}


def _mark_issued(ballot: Ballot, pk: int, battle_id: int) -> None:
    ballot.battle = mark_stored(ballot.battle, battle_id)
    mark_stored(ballot, pk)


def issue_drawn(ballot: Ballot) -> bool:
    """Store a new ballot, whose battle may be new too. False when it is not to be had; raises
    IntegrityError for a second one of the voter on a stored battle.
    """
    if ballot.battle.pk is not None:
        issue(ballot)
        return True
    return issue_with_battle(ballot)


def issue_with_battle(ballot: Ballot) -> bool:
    """Store a new ballot, and its battle of two stored answers unless that is there already.

    False, and no ballot, when the voter has seen the battle or nobody may vote on it.
    """
    values = _values_of_new(ballot)
    with _as_a_whole(), fast_cursor() as cursor:
        if is_postgresql():
            known = f"WITH known AS ({_KNOWN}), made AS ({_new_battle()})"
            cursor.execute(f"{known} {_new_ballot(_MADE_OR_DUE)}", values)
        else:
            cursor.execute(_new_battle(), values)
            cursor.execute(f"WITH known AS ({_KNOWN}) {_new_ballot(_DUE)}", values)
        row = cursor.fetchone()
    if row is None:
        return False
    _mark_issued(ballot, *row)
    return True


@cache
def _vote_with_its_ballot() -> str:
    columns = columns_of(Vote)
    places = ", ".join(f"%(vote_{column})s" for column in columns)
    return f"""
    WITH numbered AS (SELECT nextval(pg_get_serial_sequence('arena_vote', 'id')) AS id),
    closed AS (
      UPDATE arena_ballot
      SET status = 'voted', closed_at = %(closed_at)s, reading_s = %(reading_s)s,
        vote_id = numbered.id
      FROM numbered WHERE arena_ballot.id = %(closing)s AND status = 'open' RETURNING vote_id),
    stored AS (
      INSERT INTO arena_vote (id, {", ".join(columns)})
      SELECT closed.vote_id, {places} FROM closed RETURNING id)
    """


_IF_CLOSED: Final = "EXISTS (SELECT 1 FROM closed)"


@cache
def _vote_and_next(is_battle_stored: bool) -> str:
    """A vote, its ballot closed by it, and the ballot that was drawn next."""
    if is_battle_stored:
        drawn = f"drawn AS ({_new_ballot(f'SELECT %(battle_id)s AS id WHERE {_IF_CLOSED}')})"
    else:
        due = f"SELECT id FROM ({_MADE_OR_DUE}) AS either WHERE {_IF_CLOSED}"
        drawn = f"""
        known AS ({_KNOWN}), made AS ({_new_battle(f"AND {_IF_CLOSED}")}),
        drawn AS ({_new_ballot(due)})
        """
    return f"""
    {_vote_with_its_ballot()}, {drawn}
    SELECT stored.id, drawn.id, drawn.battle_id FROM stored LEFT JOIN drawn ON true
    """


def store_vote(
    vote: Vote,
    *,
    ballot_id: int,
    closed_at: dt.datetime,
    reading_s: float,
    drawn: Ballot | None = None,
) -> bool:
    """The new vote, and its ballot closed by it; False, and nothing stored, when the ballot was
    closed before. Raises IntegrityError for a second vote of the voter on the battle.

    ``drawn`` is the voter's next ballot, stored along where it is to be had, which its key then
    tells; in a transaction with the vote, so that IntegrityError may be its fault.
    """
    store = _store_vote_at_once if is_postgresql() else _store_vote_in_steps
    with _as_a_whole():
        return store(vote, ballot_id, closed_at, reading_s, drawn)


def _store_vote_at_once(
    vote: Vote, ballot_id: int, closed_at: dt.datetime, reading_s: float, drawn: Ballot | None
) -> bool:
    values = dict(zip(columns_of(Vote), values_of(vote), strict=True))
    values = {f"vote_{column}": value for column, value in values.items()}
    values |= {"closing": ballot_id, "closed_at": closed_at, "reading_s": reading_s}
    if drawn is None:
        statement = f"{_vote_with_its_ballot()} SELECT id, NULL, NULL FROM stored"
    else:
        statement = _vote_and_next(drawn.battle.pk is not None)
        values |= _values_of_new(drawn)
    with fast_cursor() as cursor:
        cursor.execute(statement, values)
        row = cursor.fetchone()
    if row is None:
        return False
    mark_stored(vote, row[0])
    if drawn is not None and row[1] is not None:
        _mark_issued(drawn, row[1], row[2])
    return True


def _store_vote_in_steps(
    vote: Vote, ballot_id: int, closed_at: dt.datetime, reading_s: float, drawn: Ballot | None
) -> bool:
    insert(vote)
    is_closed = close_ballot(
        ballot_id,
        status=BallotStatus.VOTED,
        closed_at=closed_at,
        reading_s=reading_s,
        vote_id=vote.pk,
    )
    if drawn is not None and is_closed:
        issue_drawn(drawn)
    transaction.set_rollback(not is_closed)
    return is_closed
