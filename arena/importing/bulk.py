"""Inserting many rows at once, with their ids.

``bulk_create`` builds a model instance and asks every field about every value, which is four
fifths of the time of a large import. Here the statement is prepared once per table and the values
go straight to the driver; the database's own constraints hold as always.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import orjson
from django.db import NotSupportedError, connection, models
from django.utils import timezone

Columns: TypeAlias = Mapping[str, Any]  # values of every type that a column can have


def insert_rows(model: type[models.Model], rows: Sequence[Columns]) -> list[int]:
    """Insert ``rows``, mappings of column (``question_id``) to value; returns their new ids.

    Columns that a row leaves out get the field's default. Must run inside a transaction.
    """
    if not rows:
        return []
    ids = _new_ids(model, len(rows))
    fields = [field for field in model._meta.concrete_fields if not field.primary_key]
    plan = [(field.attname, _default(field), _converter(field)) for field in fields]
    parameters = [
        (
            pk,
            *(convert(row[name]) if name in row else default for name, default, convert in plan),
        )
        for pk, row in zip(ids, rows, strict=True)
    ]
    quote = connection.ops.quote_name
    names = ", ".join(quote(str(field.column)) for field in (_primary_key(model), *fields))
    places = ", ".join(["%s"] * (len(fields) + 1))
    table = quote(model._meta.db_table)
    with connection.cursor() as cursor:
        cursor.executemany(f"INSERT INTO {table} ({names}) VALUES ({places})", parameters)
    return ids


def _primary_key(model: type[models.Model]) -> Any:  # the stubs know it only as a field or None
    return model._meta.pk


def _default(field: Any) -> Any:  # a field of any type
    is_stamped = getattr(field, "auto_now_add", False)
    return _converter(field)(timezone.now() if is_stamped else field.get_default())


def _converter(field: Any) -> Callable[[Any], Any]:  # a field of any type
    """From a Python value to what the driver takes."""
    if isinstance(field, models.JSONField):
        return _json_or_null
    if isinstance(field, models.DateTimeField):
        return connection.ops.adapt_datetimefield_value
    return _as_it_is


def _json_or_null(value: Any) -> str | None:  # any JSON
    if value is None:
        return None
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError:
        # whole numbers beyond 64 bits, which orjson refuses
        return json.dumps(value)


def _as_it_is(value: Any) -> Any:  # whatever the column holds
    return value


def _new_ids(model: type[models.Model], count: int) -> list[int]:
    """Ids that nobody else will get."""
    table = model._meta.db_table
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)",
                [connection.ops.quote_name(table), count],
            )
            return [row[0] for row in cursor.fetchall()]
        if connection.vendor != "sqlite":
            raise NotSupportedError(f"imports need SQLite or PostgreSQL, not {connection.vendor}")
        # a transaction of this project takes SQLite's one write lock when it begins, so no other
        # writer can come between reading the sequence and using it
        cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [table])
        last = cursor.fetchone()
    start = last[0] + 1 if last else 1
    return list(range(start, start + count))
