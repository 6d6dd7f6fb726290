"""Rows out of and into Parquet files, a batch at a time."""

import datetime as dt
import json
import tempfile
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import IO, Any

from pydantic import JsonValue

from arena.dialects.fields import BadRow, FieldError, Row, SourceRow, check_storable
from arena.dialects.files.json_text import json_text
from arena.dialects.records import Place

BATCH_ROWS = 256  # preference sets carry whole conversations with images in a row


def read_parquet(stream: IO[bytes], name: str) -> Iterator[SourceRow]:
    """One mapping per row; ``line`` is the row number. Opening Parquet runs no code of its own."""
    from pyarrow import ArrowException
    from pyarrow.parquet import ParquetFile

    number = 0
    try:
        for batch in ParquetFile(stream).iter_batches(batch_size=BATCH_ROWS):
            for values in batch.to_pylist():
                number += 1
                yield _row(values, Place(name, number))
    except (ArrowException, OSError) as error:
        remedy = "the Parquet file is damaged or cut off; get it again"
        yield BadRow(Place(name, number + 1), "", str(error)[:120], remedy, ends_file=True)


def _row(values: Any, place: Place) -> SourceRow:  # pyarrow carries no types
    try:
        value = _as_json(values, "")
        check_storable(value, "\0")
    except FieldError as error:
        return error.at(place)
    return Row(value, place)


def _as_json(value: Any, path: str) -> JsonValue:  # pyarrow carries no types
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, dict):
        return {
            str(key): _as_json(item, f"{path}.{key}".lstrip(".")) for key, item in value.items()
        }
    if isinstance(value, list):
        return [_as_json(item, f"{path}[{index}]") for index, item in enumerate(value)]
    if isinstance(value, dt.datetime):
        return value.replace(tzinfo=value.tzinfo or dt.UTC).timestamp()
    if isinstance(value, dt.date):
        return value.isoformat()
    raise FieldError(path, value, f"a column of type {type(value).__name__} cannot be imported")


class MixedColumnError(ValueError):
    """A column holds values of kinds that Parquet does not put into one column."""


def write_parquet(stream: IO[bytes], rows: Iterable[dict[str, JsonValue]]) -> int:
    """Write rows; returns how many. Their types are only known when all have been seen.

    So the rows wait in a temporary file between the finding of the types and the writing.
    """
    import pyarrow as pa
    from pyarrow.parquet import ParquetWriter

    written, schema = 0, pa.schema([])
    with tempfile.TemporaryFile() as spool:
        for row in rows:
            spool.write(json_text({k: _without_empty(v) for k, v in row.items()}).encode() + b"\n")
            written += 1
        try:
            for batch in _batches(spool):
                found = pa.schema(list(pa.array(batch).type))
                schema = pa.unify_schemas([schema, found], promote_options="permissive")
        except pa.ArrowException as error:
            raise MixedColumnError(
                f"these rows do not fit Parquet ({error}); write JSON lines instead"
            ) from error
        with ParquetWriter(stream, schema) as writer:
            for batch in _batches(spool):
                values = pa.array(batch, type=pa.struct(list(schema)))
                writer.write_table(pa.Table.from_struct_array(values))
    return written


def _batches(spool: IO[bytes]) -> Iterator[list[dict[str, JsonValue]]]:
    spool.seek(0)
    while lines := list(islice(spool, BATCH_ROWS)):
        yield [json.loads(line) for line in lines]


def _without_empty(value: JsonValue) -> JsonValue:
    """Parquet has no object without fields; it becomes null."""
    if isinstance(value, dict):
        return {key: _without_empty(item) for key, item in value.items()} or None
    return [_without_empty(item) for item in value] if isinstance(value, list) else value
