"""Our own bundle: every kind of record in full, so that a whole arena can be moved.

One JSON object per record, named by its ``record`` field; fields that hold their default are left
out. The field names are those of ``arena.dialects.records``.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache

from pydantic import JsonValue, TypeAdapter, ValidationError

from arena.dialects import DIALECTS
from arena.dialects.dialect import NO, SURE, Dialect, Sample
from arena.dialects.fields import FieldError, Fields
from arena.dialects.records import KIND_OF_RECORD, RECORD_KINDS, Record


@cache
def _adapter(kind: str) -> TypeAdapter[Record]:
    return TypeAdapter(RECORD_KINDS[kind])


@DIALECTS.register("agon_bundle")
class AgonBundle(Dialect):
    name = "agon_bundle"
    label = "Agon bundle (whole arena)"
    container = "bundle"
    writes = tuple(RECORD_KINDS.values())

    def detect(self, sample: Sample) -> float:
        is_ours = all(row.get("record") in RECORD_KINDS for row in sample.rows)
        return SURE if sample.container == "bundle" or (sample.rows and is_ours) else NO

    def read_row(self, fields: Fields) -> Iterable[Record]:
        kind = fields.text("record")
        if kind not in RECORD_KINDS:
            raise fields.error("record", f"expected one of: {', '.join(RECORD_KINDS)}")
        values = {key: value for key, value in fields.values.items() if key != "place"}
        try:
            record = _adapter(kind).validate_python(values)
        except ValidationError as error:
            raise _field_error(error) from None
        yield replace(record, place=fields.place)

    def write_records(self, records: Iterable[Record]) -> Iterator[dict[str, JsonValue]]:
        for record in records:
            kind = KIND_OF_RECORD[type(record)]
            values = _adapter(kind).dump_python(record, mode="json", exclude_defaults=True)
            yield {"record": kind, **values}


def _field_error(error: ValidationError) -> FieldError:
    first = error.errors(include_url=False, include_context=False)[0]
    field = ".".join(str(step) for step in first["loc"])
    return FieldError(field, first["input"], first["msg"])
