"""How long the texts of a record may be, read off the columns they go into.

SQLite stores a text of any length and PostgreSQL refuses the whole statement; so that both take
the same files, lengths are checked before anything is stored.
"""

from collections.abc import Iterator
from dataclasses import fields
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
)
from arena.models import Answer, Battle, LanguageModel, License, Question, QuestionSet

Nested: TypeAlias = Record | None
TABLES: dict[type[Record], type[models.Model]] = {
    AnswerRecord: Answer,
    BattleRecord: Battle,
    LanguageModelRecord: LanguageModel,
    LicenseRecord: License,
    QuestionRecord: Question,
    QuestionSetRecord: QuestionSet,
}


def _limits(kind: type[Record], table: type[models.Model]) -> tuple[tuple[str, int], ...]:
    """The fields of a record that have a column of the same name with a length."""
    columns = {
        field.name: field.max_length
        for field in table._meta.concrete_fields
        if isinstance(field, models.CharField) and not isinstance(field, models.SlugField)
    }
    return tuple(
        (field.name, limit) for field in fields(kind) if (limit := columns.get(field.name))
    )


LIMITS = {kind: _limits(kind, table) for kind, table in TABLES.items()}


def _parts(record: Record) -> Iterator[Nested]:
    """A record and those within it."""
    yield record
    if isinstance(record, BattleRecord | JudgmentRecord):
        yield from (record.question, record.answer_a, record.answer_b)
    elif isinstance(record, AnswerRecord):
        yield record.question
    if isinstance(record, JudgmentRecord) and record.battle is not None:
        yield from _parts(record.battle)


def oversized(record: Record) -> BadRow | None:
    """The first text that is too long for its column."""
    for part in _parts(record):
        if part is None:
            continue
        for name, limit in LIMITS.get(type(part), ()):
            value = getattr(part, name)
            if len(value) > limit:
                remedy = f"{len(value)} characters; at most {limit} can be stored, shorten it"
                return BadRow(record.place, name, shortened(value), remedy)
    return None
