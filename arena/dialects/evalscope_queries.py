"""Plain ``{"query", "response"?}`` lines; a response is the reference answer."""

from collections.abc import Iterable, Iterator

from pydantic import JsonValue

from arena.dialects import DIALECTS
from arena.dialects.conversations import text_turns
from arena.dialects.dialect import NO, SURE, Dialect, Sample
from arena.dialects.fields import Fields
from arena.dialects.records import QuestionRecord, Record

OWN_FIELDS = ("id", "query", "response", "category")


@DIALECTS.register("evalscope_queries")
class EvalscopeQueries(Dialect):
    name = "evalscope_queries"
    label = 'queries ({"query", "response"})'
    default_set = "queries"
    writes = (QuestionRecord,)

    def detect(self, sample: Sample) -> float:
        return SURE if sample.have("query") else NO

    def read_row(self, fields: Fields) -> Iterable[Record]:
        reference = fields.text_or_empty("response")
        yield QuestionRecord(
            external_id=fields.identifier_or_empty("id"),
            turns=text_turns([fields.name("query") and fields.text("query")]),
            category=fields.text_or_empty("category"),
            references=(reference,) if reference else (),
            metadata=fields.rest(*OWN_FIELDS),
            place=fields.place,
        )

    def write_records(self, records: Iterable[Record]) -> Iterator[dict[str, JsonValue]]:
        for record in records:
            assert isinstance(record, QuestionRecord)
            row: dict[str, JsonValue] = {"query": "\n\n".join(record.turn_texts)}
            if record.references:
                row["response"] = "\n\n".join(record.references)
            if record.category:
                row["category"] = record.category
            yield row | record.metadata
