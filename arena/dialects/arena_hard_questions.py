"""Arena-Hard-Auto ``question.jsonl``: v0.1, v2 and the older export with ``turns``."""

from collections.abc import Iterable, Iterator

from pydantic import JsonValue

from arena.dialects import DIALECTS
from arena.dialects.conversations import read_content, text_turns
from arena.dialects.dialect import NO, SURE, Dialect, Sample
from arena.dialects.fields import Fields
from arena.dialects.records import QuestionRecord, Record


def is_list_of_objects(value: JsonValue) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)


@DIALECTS.register("arena_hard_questions")
class ArenaHardQuestions(Dialect):
    name = "arena_hard_questions"
    label = "Arena-Hard questions (v0.1 and v2)"
    default_set = "arena-hard"
    writes = (QuestionRecord,)

    def detect(self, sample: Sample) -> float:
        is_old = sample.have("question_id", "turns") and is_list_of_objects(sample.first("turns"))
        return SURE if sample.have("uid", "prompt") or is_old else NO

    def read_row(self, fields: Fields) -> Iterable[Record]:
        if "prompt" in fields:
            turns = text_turns([fields.text("prompt")])
        else:
            contents = [turn.get("content") for turn in fields.objects("turns")]
            turns = tuple(read_content(c, f"turns[{i}]") for i, c in enumerate(contents))
        yield QuestionRecord(
            external_id=fields.identifier("uid" if "uid" in fields else "question_id"),
            turns=turns,
            category=fields.text_or_empty("category"),
            metadata=fields.rest("uid", "question_id", "category", "prompt", "turns"),
            place=fields.place,
        )

    def write_records(self, records: Iterable[Record]) -> Iterator[dict[str, JsonValue]]:
        for record in records:
            assert isinstance(record, QuestionRecord)
            row: dict[str, JsonValue] = {
                "uid": record.external_id,
                "category": record.category,
                "prompt": "\n\n".join(record.turn_texts),
            }
            yield record.metadata | row
