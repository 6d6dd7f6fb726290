"""FastChat's model table (``leaderboard_table_*.csv``): who made a model and under what terms.

Scores of other benchmarks in that table are not read: figures come from rows held here.
"""

from collections.abc import Iterable, Iterator

from pydantic import JsonValue

from arena.dialects import DIALECTS
from arena.dialects.dialect import NO, SURE, Dialect, Sample
from arena.dialects.fields import Fields
from arena.dialects.records import LanguageModelRecord, Record

COLUMNS = ("key", "Model", "Knowledge cutoff date", "License", "Organization", "Link")
UNKNOWN = frozenset({"", "-", "?", "Unknown", "nan"})


@DIALECTS.register("fastchat_models")
class FastChatModels(Dialect):
    name = "fastchat_models"
    label = "FastChat model table (CSV)"
    container = "csv"
    columns = COLUMNS
    writes = (LanguageModelRecord,)

    def detect(self, sample: Sample) -> float:
        return SURE if sample.have("key", "Model", "License", "Organization") else NO

    def read_row(self, fields: Fields) -> Iterable[Record]:
        yield LanguageModelRecord(
            name=fields.name("key"),
            display_name=_known(fields, "Model"),
            organisation=_known(fields, "Organization"),
            license=_known(fields, "License"),
            knowledge_cutoff=_known(fields, "Knowledge cutoff date"),
            url=_known(fields, "Link"),
            place=fields.place,
        )

    def write_records(self, records: Iterable[Record]) -> Iterator[dict[str, JsonValue]]:
        for record in records:
            assert isinstance(record, LanguageModelRecord)
            yield {
                "key": record.name,
                "Model": record.display_name or record.name,
                "Knowledge cutoff date": record.knowledge_cutoff or "-",
                "License": record.license or "-",
                "Organization": record.organisation or "-",
                "Link": record.url,
            }


def _known(fields: Fields, key: str) -> str:
    text = fields.text_or_empty(key).strip()
    return "" if text in UNKNOWN else text
