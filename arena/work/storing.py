"""Updating many claimed rows, each with its own values, in one statement.

A statement per row costs more than its own time: each hands the interpreter to the event loop and
waits to get it back, and meanwhile calls that have ended wait to be stored.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import groupby
from math import isfinite
from typing import Any

import orjson
from django.db import connection
from django.db.models import Field, JSONField

from arena.models import WorkItem, WorkStatus

Row = tuple[int, str, dict[str, object]]
AnyField = Field[Any, Any]  # whatever the columns hold

# both databases take these without a field's help
_AS_THEY_ARE = frozenset({str, int, float, bool, type(None)})
_SQLITE_VALUES = 32_766  # of one statement, as SQLite has been built since 2020
_UPDATE = (
    "UPDATE {table} SET {assignments} FROM {source}"
    " WHERE {table}.id = new.{id} AND {table}.lease_owner = new.{owner} AND {table}.status = %s"
)


def update_rows(model: type[WorkItem], rows: Iterable[Row]) -> int:
    """Store ``(id, lease owner, columns)``; returns how many rows still belonged to that owner.

    Rows that another worker has taken over in the meantime are left as they are.
    """
    known = {field.name: field for field in model._meta.concrete_fields}
    update = _update_from_json if connection.vendor == "postgresql" else _update_from_values
    ordered = sorted(rows, key=lambda row: sorted(row[2]))
    return sum(
        update(model, [known[name] for name in names], list(group))
        for names, group in groupby(ordered, key=lambda row: sorted(row[2]))
    )


def _update_from_json(model: type[WorkItem], fields: list[AnyField], rows: list[Row]) -> int:
    """All values as one parameter, which PostgreSQL takes apart faster than the client quotes."""
    names = [f"v{number}" for number in range(len(fields))]
    types = (f"{name} {f.db_type(connection)}" for name, f in zip(names, fields, strict=True))
    source = f"json_to_recordset(%s::json) AS new(id bigint, owner text, {', '.join(types)})"
    values = [
        {"id": pk, "owner": owner}
        | {name: _in_json(f, columns[f.name]) for name, f in zip(names, fields, strict=True)}
        for pk, owner, columns in rows
    ]
    parameters = [orjson.dumps(values, default=str).decode()]
    return _update(model, fields, ["id", "owner", *names], source, parameters)


def _update_from_values(model: type[WorkItem], fields: list[AnyField], rows: list[Row]) -> int:
    names = [f"column{number}" for number in range(1, len(fields) + 3)]
    at_once = _SQLITE_VALUES // len(names) - 1
    row_sql = f"({', '.join(['%s'] * len(names))})"
    stored = 0
    for start in range(0, len(rows), at_once):
        chunk = rows[start : start + at_once]
        parameters = [
            value
            for pk, owner, columns in chunk
            for value in (pk, owner, *(_in_sqlite(f, columns[f.name]) for f in fields))
        ]
        source = f"(VALUES {', '.join([row_sql] * len(chunk))}) AS new"
        stored += _update(model, fields, names, source, parameters)
    return stored


def _update(
    model: type[WorkItem],
    fields: Sequence[AnyField],
    names: Sequence[str],
    source: str,
    parameters: list[Any],
) -> int:
    """``names`` are those of the source's columns: the id, the owner, and one per field."""
    quote = connection.ops.quote_name
    pairs = zip(fields, names[2:], strict=True)
    statement = _UPDATE.format(
        table=quote(model._meta.db_table),
        assignments=", ".join(f"{quote(str(field.column))} = new.{name}" for field, name in pairs),
        source=source,
        id=names[0],
        owner=names[1],
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [*parameters, WorkStatus.CLAIMED])
        return int(cursor.rowcount)


def _in_json(field: AnyField, value: Any) -> Any:
    """``value`` as a part of a JSON document; infinities, which JSON lacks, as text."""
    if isinstance(field, JSONField):
        return None if value is None else orjson.Fragment(_json(value))
    if isinstance(value, float) and not isfinite(value):
        return repr(value)
    return value


def _in_sqlite(field: AnyField, value: Any) -> Any:
    if isinstance(field, JSONField):
        return None if value is None else _json(value).decode()
    if type(value) in _AS_THEY_ARE:
        return value
    return field.get_db_prep_save(value, connection)


def _json(value: object) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError:  # keys that are no text, numbers beyond 64 bits
        return json.dumps(value).encode()
