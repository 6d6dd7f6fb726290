"""Reads and writes on the path of a vote, as SQL written once.

Built by the ORM each takes one to two milliseconds of the interpreter, several times what the
database needs for it; together they would be half of a vote. What they select is tested against
the ORM's answer.

An open ballot is one with no ``closed_at``, which the index of a voter's ballots holds.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Generic, TypeVar
from weakref import WeakKeyDictionary

from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.models import BooleanField, DateTimeField, Field, JSONField, Model

from arena.models import (
    Answer,
    Ballot,
    Battle,
    InviteRound,
    LanguageModel,
    Voter,
    VoterSession,
)
from arena.models.question import ContentPart

M = TypeVar("M", bound=Model)
Row = Sequence[Any]  # of a database


class Part(Generic[M]):
    """An object within the row of a joined statement; ``names`` limits what is read of it, the
    rest is fetched when asked for.
    """

    def __init__(self, model: type[M], alias: str, names: tuple[str, ...] = ()) -> None:
        fields = [
            field for field in model._meta.concrete_fields if not names or field.attname in names
        ]
        self.model = model
        self.columns = ", ".join(f"{alias}.{field.column}" for field in fields)
        self._names = [field.attname for field in fields]
        # SQLite knows neither booleans nor time zones
        self._flags = [n for n, field in enumerate(fields) if isinstance(field, BooleanField)]
        self._moments = [n for n, field in enumerate(fields) if isinstance(field, DateTimeField)]

    def first_of(self, row: Row) -> tuple[M, Row]:
        """The object the row begins with, and the rest of the row."""
        values = list(row[: len(self._names)])
        for place in self._flags:
            values[place] = bool(values[place])
        for place in self._moments:
            moment = values[place]
            if moment is not None and moment.tzinfo is None:
                values[place] = moment.replace(tzinfo=dt.UTC)
        found = self.model.from_db(DEFAULT_DB_ALIAS, self._names, values)
        return found, row[len(self._names) :]


def this_connection() -> Any:  # a database wrapper, whose private parts the stubs do not know
    """Of this thread; found once instead of by every look at ``connection``."""
    return connections[DEFAULT_DB_ALIAS]


def is_postgresql() -> bool:
    return bool(this_connection().vendor == "postgresql")


def fast_cursor() -> Any:  # the stubs do not tell cursors apart
    """A cursor whose statements the server plans once: on PostgreSQL planning one of these takes
    longer than running it, and Django's own cursor never lets a statement be prepared.
    """
    here = this_connection()
    if here.vendor != "postgresql":
        return here.cursor()
    here.ensure_connection()
    return here._prepare_cursor(_preparing_cursor()(here.connection))


@cache
def _preparing_cursor() -> type[Any]:
    """A class that sends every whole number as the same type: psycopg's own picks the shortest,
    and the server prepares a statement anew for each mixture of them.
    """
    from psycopg import Connection, Cursor
    from psycopg.adapt import AdaptersMap
    from psycopg.types.numeric import Int8Dumper

    made: WeakKeyDictionary[Connection[Any], AdaptersMap] = WeakKeyDictionary()

    class PreparingCursor(Cursor[Any]):
        @property
        def adapters(self) -> AdaptersMap:
            """One map for all cursors of a connection, which costs as much as a statement."""
            link = self.connection
            if link not in made:
                made[link] = AdaptersMap(link.adapters)
                made[link].register_dumper(int, Int8Dumper)
            return made[link]

    return PreparingCursor


def one_row(statement: str, values: Sequence[Any] | Mapping[str, Any]) -> Row | None:
    with fast_cursor() as cursor:
        cursor.execute(statement, values)
        row: Row | None = cursor.fetchone()
    return row


_BALLOT: Final = Part(Ballot, "ballot")
_BATTLE: Final = Part(
    Battle, "battle", ("id", "question_id", "answer_a_id", "answer_b_id", "exclusion")
)
_NAMES: Final = ("id", "slug", "display_name", "organisation", "is_demo")
_FIRST: Final = Part(LanguageModel, "first", _NAMES)
_SECOND: Final = Part(LanguageModel, "second", _NAMES)
_BROWSER: Final = Part(VoterSession, "session")
_VOTER: Final = Part(Voter, "person", ("id", "key", "user_id", "is_expert", "is_demo"))

BALLOT_COLUMNS: Final = ", ".join(
    [
        *(part.columns for part in (_BALLOT, _BATTLE, _FIRST, _SECOND)),
        "invite.code",
        "invite.is_open",
    ]
)
BALLOT_JOINS: Final = """
  JOIN arena_battle AS battle ON battle.id = ballot.battle_id
  JOIN arena_languagemodel AS first ON first.id = battle.model_a_id
  JOIN arena_languagemodel AS second ON second.id = battle.model_b_id
  LEFT JOIN arena_inviteround AS invite ON invite.id = ballot.round_id
"""
_BALLOT_OF_TOKEN: Final = (
    f"SELECT {BALLOT_COLUMNS} FROM arena_ballot AS ballot {BALLOT_JOINS} WHERE ballot.token = %s"
)

_OPEN_BALLOT: Final = f"""
SELECT {_BALLOT.columns}, {_BATTLE.columns}
FROM arena_ballot AS ballot JOIN arena_battle AS battle ON battle.id = ballot.battle_id
WHERE ballot.voter_id = %s AND ballot.closed_at IS NULL AND ballot.drawn_at > %s
  AND ballot.round_id IS NULL AND battle.exclusion = '' AND battle.origin <> 'live'
  AND ballot.token <> %s
ORDER BY ballot.id LIMIT 1
"""

SESSION_COLUMNS: Final = f"{_BROWSER.columns}, {_VOTER.columns}"
_SESSION: Final = f"""
SELECT {SESSION_COLUMNS}
FROM arena_votersession AS session JOIN arena_voter AS person ON person.id = session.voter_id
WHERE session.key = %s
"""

_OTHERS: Final = """
SELECT outcome, COUNT(*) FROM arena_vote
WHERE battle_id = %s AND exclusion = '' AND id <> %s GROUP BY outcome
"""

_ANSWERS: Final = """
SELECT answer.id, answer.model_id, answer.question_id, question.language, question.turns,
  answer.turns, model.display_name, model.slug, model.provider_model,
  asked.renderer, asked.source, {asked_html},
  shown.renderer, shown.source, {html}, shown.doubt, shown.reading_weight
FROM arena_answer AS answer JOIN arena_question AS question ON question.id = answer.question_id
  JOIN arena_languagemodel AS model ON model.id = answer.model_id
  LEFT JOIN arena_renderedquestion AS asked ON asked.question_id = question.id
  LEFT JOIN arena_renderedanswer AS shown ON shown.answer_id = answer.id
WHERE answer.id IN ({marks})
"""


@cache
def _fields(model: type[Model], besides: str = "") -> tuple[Field[Any, Any], ...]:
    fields = (field for field in model._meta.concrete_fields if not field.primary_key)
    return tuple(field for field in fields if field.column != besides)


@cache
def columns_of(model: type[Model], besides: str = "") -> tuple[str, ...]:
    """What a new row gives values to, in the order of ``values_of``."""
    return tuple(str(field.column) for field in _fields(model, besides))


def values_of(row: Model, besides: str = "") -> list[Any]:
    """As the database wants them; defaults and conversions are those of the fields."""
    here = this_connection()
    return [
        _prepared(field, field.pre_save(row, True), here) for field in _fields(type(row), besides)
    ]


# both databases take these without a field's help, which is slow
_AS_THEY_ARE: Final = frozenset({str, int, float, bool, type(None)})


def _prepared(field: Field[Any, Any], value: Any, here: Any) -> Any:
    if type(value) in _AS_THEY_ARE and not isinstance(field, JSONField):
        return value
    return field.get_db_prep_save(value, here)


def mark_stored(row: M, pk: int) -> M:
    """Tell a row which it has become."""
    row.pk = pk
    row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS
    return row


@cache
def _insertion(model: type[Model]) -> str:
    columns = columns_of(model)
    places = ", ".join(["%s"] * len(columns))
    table = model._meta.db_table
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places}) RETURNING id"


def insert(row: M) -> M:
    """Store a new row."""
    with fast_cursor() as cursor:
        cursor.execute(_insertion(type(row)), values_of(row))
        return mark_stored(row, cursor.fetchone()[0])


# as ``merging.voters_of`` has it
_OWN: Final = (
    "IN (SELECT {voter} UNION ALL SELECT id FROM arena_voter WHERE merged_into_id = {voter})"
)
_IS_ONE_OF_SEVERAL: Final = "EXISTS (SELECT 1 FROM arena_voter WHERE merged_into_id = {voter})"
_GIVEN: Final = "(SELECT COUNT(*) FROM arena_vote WHERE voter_id {who})"
# counted ones no further than anybody asks: each is looked up in two tables
_COUNTED: Final = """(SELECT COUNT(*) FROM (
     SELECT 1 FROM arena_vote AS mine JOIN arena_battle AS judged ON judged.id = mine.battle_id
     WHERE mine.voter_id {who} AND mine.exclusion = '' AND judged.exclusion = ''
     LIMIT {{limit}}) AS counted)"""
# most voters never were anybody else, and nothing is searched for them
VOTES_OF: Final = ", ".join(
    f"CASE WHEN {_IS_ONE_OF_SEVERAL} THEN {each.format(who=_OWN)} "
    f"ELSE {each.format(who='= {voter}')} END"
    for each in (_GIVEN, _COUNTED)
)


def votes_of(voter_id: int, *, limit: int) -> tuple[int, int]:
    """How many votes there are of this voter, with those of who became part of them, and how many
    of them are counted, up to ``limit``.
    """
    columns = VOTES_OF.format(voter="%(voter)s", limit="%(limit)s")
    row = one_row(f"SELECT {columns}", {"voter": voter_id, "limit": limit})
    return (row[0], row[1]) if row else (0, 0)


MOST_ASKED_FOR: Final = 16
_VOTABLE_BATTLES: Final = f"""
SELECT id, question_id, answer_a_id, answer_b_id,
  (SELECT COUNT(*) FROM arena_vote WHERE battle_id = battle.id)
FROM arena_battle AS battle
WHERE id IN ({", ".join(["%s"] * MOST_ASKED_FOR)}) AND exclusion = ''
  AND NOT EXISTS (SELECT 1 FROM arena_ballot WHERE battle_id = battle.id AND voter_id = %s)
"""


def votable_battles(voter_id: int, ids: Sequence[int]) -> list[tuple[int, int, int, int, int]]:
    """Those of at most ``MOST_ASKED_FOR`` stored battles that this voter may still vote on: id,
    question, both answers, and the number of votes so far; in no order.
    """
    if not ids:
        return []
    filled = [*ids, *[ids[-1]] * (MOST_ASKED_FOR - len(ids))]  # one statement for any number
    with fast_cursor() as cursor:
        cursor.execute(_VOTABLE_BATTLES, [*filled, voter_id])
        return list(cursor.fetchall())


def ballot_of_row(row: Row) -> tuple[Ballot, Row]:
    """From the values of ``BALLOT_COLUMNS``, and what follows them."""
    ballot, rest = _BALLOT.first_of(row)
    battle, rest = _BATTLE.first_of(rest)
    battle.model_a, rest = _FIRST.first_of(rest)
    battle.model_b, rest = _SECOND.first_of(rest)
    ballot.battle = battle
    if ballot.round_id is not None:
        ballot.round = InviteRound(pk=ballot.round_id, code=rest[0], is_open=bool(rest[1]))
    return ballot, rest[2:]


def ballot_of_token(token: str) -> Ballot | None:
    """With its battle, both models by name, and the round's code and whether it is open."""
    row = one_row(_BALLOT_OF_TOKEN, [token])
    return None if row is None else ballot_of_row(row)[0]


def open_ballot(voter_id: int, *, drawn_after: Any, besides: str) -> Ballot | None:
    """The oldest open one that belongs to no round."""
    since = connection.ops.adapt_datetimefield_value(drawn_after)
    row = one_row(_OPEN_BALLOT, [voter_id, since, besides])
    if row is None:
        return None
    ballot, rest = _BALLOT.first_of(row)
    ballot.battle, _ = _BATTLE.first_of(rest)
    return ballot


def session_of_row(row: Row) -> tuple[VoterSession, Row]:
    """From the values of ``SESSION_COLUMNS``, and what follows them."""
    session, rest = _BROWSER.first_of(row)
    session.voter, rest = _VOTER.first_of(rest)
    return session, rest


def session_of_key(key: str) -> VoterSession | None:
    """With its voter."""
    row = one_row(_SESSION, [key])
    return None if row is None else session_of_row(row)[0]


def outcomes_of_others(battle_id: int, vote_id: int) -> dict[str, int]:
    """Counted votes on the battle by outcome, without this one."""
    with fast_cursor() as cursor:
        cursor.execute(_OTHERS, [battle_id, vote_id])
        return dict(cursor.fetchall())


@dataclass(frozen=True, slots=True)
class AnswerText:
    """What must be known of a stored answer to judge and to show it."""

    pk: int
    model_id: int
    question_id: int
    language: str
    asked: list[list[ContentPart]]
    turns: list[str]
    model_names: tuple[str, ...]

    @classmethod
    def of(cls, answer: Answer) -> AnswerText:
        model, question = answer.model, answer.question
        return cls(
            pk=answer.pk,
            model_id=answer.model_id,
            question_id=answer.question_id,
            language=question.language,
            asked=question.turns,
            turns=answer.turns,
            model_names=(model.display_name, model.slug, model.provider_model),
        )


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """A stored answer with its question and with what was kept of both; ``asked``, ``turns`` and
    the HTML are JSON as the database gave it, and None where nothing is kept.
    """

    pk: int
    model_id: int
    question_id: int
    language: str
    asked: str
    turns: str
    display_name: str
    slug: str
    provider_model: str
    asked_renderer: str | None
    asked_source: str | None
    asked_html: str | None
    renderer: str | None
    source: str | None
    html: str | None
    doubt: str | None
    reading_weight: float | None

    def text(self) -> AnswerText:
        return AnswerText(
            pk=self.pk,
            model_id=self.model_id,
            question_id=self.question_id,
            language=self.language,
            asked=json.loads(self.asked),
            turns=json.loads(self.turns),
            model_names=(self.display_name, self.slug, self.provider_model),
        )


def answers_of_ids(ids: Sequence[int], *, with_html: bool = True) -> list[StoredAnswer]:
    """Few at a time; the HTML is left out where nobody wants it."""
    columns = ("asked.turns", "shown.turns") if with_html else ("NULL", "NULL")
    marks = ", ".join(["%s"] * len(ids))
    statement = _ANSWERS.format(asked_html=columns[0], html=columns[1], marks=marks)
    with fast_cursor() as cursor:
        cursor.execute(statement, list(ids))
        return [StoredAnswer(*row) for row in cursor.fetchall()]
