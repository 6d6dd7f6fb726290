"""Millions of rows out of the database as integer columns, in seconds and in flat memory.

A row of Python objects per vote costs more than the fit. What a method needs of a vote or a verdict
is therefore packed into three integers by the database itself. PostgreSQL sends millions of rows
as one value that numpy reads as it stands, SQLite plain tuples in large chunks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any, Final

import numpy as np
from django.db import connections
from django.db.models import (
    BigIntegerField,
    Expression,
    ExpressionWrapper,
    F,
    Max,
    QuerySet,
    Value,
)
from django.db.models.functions import Cast, Coalesce
from numpy.typing import NDArray

Integers = NDArray[np.int64]

_CHUNK: Final = 20_000
_SPAN: Final = 1 << 23  # ids per PostgreSQL value, which may hold a gigabyte


def packed(parts: Sequence[tuple[str | Expression, int]]) -> ExpressionWrapper[Any]:
    """One integer of several: each part a whole number in [0, 2**bits), the first the highest.

    At most 63 bits in all. ``unpacked`` takes it apart again.
    """
    total: Any = Value(0)  # F and Combined share no type
    shift = sum(bits for _, bits in parts)
    for part, bits in parts:
        shift -= bits
        expression = F(part) if isinstance(part, str) else part
        total = total + Cast(expression, BigIntegerField()) * Value(1 << shift, BigIntegerField())
    return ExpressionWrapper(total, output_field=BigIntegerField())


def unpacked(column: Integers, bits: Sequence[int]) -> Iterator[Integers]:
    """The parts of a ``packed`` column, in the order they were given."""
    shift = sum(bits)
    for width in bits:
        shift -= width
        yield (column >> shift) & ((1 << width) - 1)


def known_or_zero(path: str) -> Coalesce:
    """An id plus one, or 0 where there is none, so that it packs."""
    return Coalesce(F(path) + Value(1), Value(0), output_field=BigIntegerField())


def integer_rows(
    rows: QuerySet[Any], columns: Sequence[Expression | F], *, are_few: bool = False
) -> Integers:
    """int64[n, k]: ``columns`` of ``rows``, none of which may be null, in ascending first column.

    ``are_few`` is for thousands of rows at most, which come soonest as plain rows. Sorting happens
    here: a database would sort on disk what numpy sorts in milliseconds.
    """
    named = {f"_integer_{place}": column for place, column in enumerate(columns)}
    named_rows = rows.order_by().annotate(**named).values_list(*named)
    if connections[rows.db].vendor == "postgresql" and not are_few:
        table = _aggregated(named_rows, len(columns))
    else:
        table = _fetched(named_rows, len(columns))
    first = table[:, 0]
    if first.size and (first[1:] < first[:-1]).any():
        table = table[np.argsort(first, kind="stable")]
    return table


def _fetched(rows: QuerySet[Any, Any], width: int) -> Integers:
    statement, parameters = rows.query.sql_with_params()
    chunks = [np.empty((0, width), np.int64)]
    with connections[rows.db].cursor() as cursor:
        cursor.execute(statement, parameters)
        while fetched := cursor.fetchmany(_CHUNK):
            numbers = np.fromiter(chain.from_iterable(fetched), np.int64, len(fetched) * width)
            chunks.append(numbers.reshape(-1, width))
    return np.concatenate(chunks)


def _aggregated(rows: QuerySet[Any, Any], width: int) -> Integers:
    """Eight bytes per integer, a span of rows in one value: no object per row on either side."""
    top = rows.model._default_manager.using(rows.db).aggregate(top=Max("pk"))["top"] or 0
    names = [f"i{place}" for place in range(width)]
    row = " || ".join(f"int8send({name})" for name in names)
    connection = connections[rows.db]
    chunks: list[bytes] = []
    for low in range(0, top + 1, _SPAN):
        span = rows.filter(pk__gte=low, pk__lt=low + _SPAN) if top >= _SPAN else rows
        statement, parameters = span.query.sql_with_params()
        chunks.append(
            _bytes_of(
                connection,
                f"SELECT string_agg({row}, ''::bytea) "
                f"FROM ({statement}) AS rows ({', '.join(names)})",
                parameters,
            )
        )
    return np.frombuffer(b"".join(chunks), dtype=">i8").astype(np.int64).reshape(-1, width)


def _bytes_of(connection: Any, statement: str, parameters: Any) -> bytes:  # DB-API
    """The one value of a PostgreSQL statement, as it is and not in hexadecimal digits."""
    from psycopg import Cursor

    with connection.cursor() as cursor:
        filled_in = cursor.mogrify(statement, parameters)
    with Cursor(connection.connection) as cursor:
        row = cursor.execute(filled_in, binary=True).fetchone()
    return b"" if row is None or row[0] is None else bytes(row[0])
