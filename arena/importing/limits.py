"""What the columns hold that a record goes into: texts of a length, words of a list.

SQLite stores any text and PostgreSQL refuses the whole statement; so that both take the same
files, this is checked before anything is stored.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import TypeAlias

from django.db import models

from arena.dialects.fields import BadRow, shortened
from arena.dialects.records import (
    AnswerRecord,
    BattleRecord,
    JudgmentRecord,
    LanguageModelRecord,
    LicenseRecord,
    QuestionRecord,
    QuestionSetRecord,
    Record,
    VoteRecord,
)
from arena.models import (
    Answer,
    Battle,
    Exclusion,
    LanguageModel,
    License,
    Question,
    QuestionSet,
    Vote,
)

AnyRecord: TypeAlias = Record | VoteRecord
TABLES: dict[type[AnyRecord], type[models.Model]] = {
    AnswerRecord: Answer,
    BattleRecord: Battle,
    LanguageModelRecord: LanguageModel,
    LicenseRecord: License,
    QuestionRecord: Question,
    QuestionSetRecord: QuestionSet,
    VoteRecord: Vote,
}


@dataclass(frozen=True, slots=True)
class Limit:
    """``words`` empty means any text."""

    field: str
    length: int
    words: frozenset[str] = frozenset()


def _limits(kind: type[AnyRecord], table: type[models.Model]) -> tuple[Limit, ...]:
    """For the fields of a record that have a text column of the same name."""
    columns = {
        field.name: Limit(
            field.name, field.max_length, frozenset(str(value) for value, _ in field.flatchoices)
        )
        for field in table._meta.concrete_fields
        if isinstance(field, models.CharField)
        and not isinstance(field, models.SlugField)
        and field.max_length
    }
    return tuple(columns[field.name] for field in fields(kind) if field.name in columns)


LIMITS: dict[type[AnyRecord], tuple[Limit, ...]] = {
    **{kind: _limits(kind, table) for kind, table in TABLES.items()},
    # judgments are stored by a room above; their reasons are those of battles
    JudgmentRecord: (Limit("exclusion", 20, frozenset(Exclusion.values)),),
}


def _parts(record: Record) -> Iterator[AnyRecord | None]:
    """A record and those within it."""
    yield record
    if isinstance(record, BattleRecord):
        yield from record.votes
    if isinstance(record, BattleRecord | JudgmentRecord):
        yield from (record.question, record.answer_a, record.answer_b)
    elif isinstance(record, AnswerRecord):
        yield record.question
    if isinstance(record, JudgmentRecord) and record.battle is not None:
        yield from _parts(record.battle)


def unstorable(record: Record) -> BadRow | None:
    """The first text that its column does not take."""
    for part in _parts(record):
        for limit in LIMITS.get(type(part), ()) if part is not None else ():
            value = getattr(part, limit.field)
            if len(value) > limit.length:
                remedy = f"{len(value)} characters; at most {limit.length} can be stored"
            elif value and limit.words and value not in limit.words:
                remedy = f"unknown; write one of: {', '.join(sorted(limit.words))}"
            else:
                continue
            return BadRow(record.place, limit.field, shortened(value), remedy)
    return None
