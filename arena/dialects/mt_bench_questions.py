"""MT-Bench and Vicuna-Bench ``question.jsonl``."""

from collections.abc import Iterable, Iterator

from pydantic import JsonValue

from arena.dialects import DIALECTS
from arena.dialects.conversations import read_content
from arena.dialects.dialect import NO, SURE, Dialect, Sample
from arena.dialects.fields import Fields
from arena.dialects.records import QuestionRecord, Record, TextPart


def written_id(external_id: str) -> JsonValue:
    """MT-Bench numbers its questions; other ids stay texts."""
    is_number = external_id.isascii() and external_id.isdigit()
    return int(external_id) if is_number and str(int(external_id)) == external_id else external_id


@DIALECTS.register("mt_bench_questions")
class MtBenchQuestions(Dialect):
    name = "mt_bench_questions"
    label = "MT-Bench questions (question.jsonl)"
    default_set = "mt-bench"
    writes = (QuestionRecord,)

    def detect(self, sample: Sample) -> float:
        turns = sample.first("turns")
        is_texts = isinstance(turns, list) and all(isinstance(turn, str) for turn in turns)
        return SURE if sample.have("question_id", "turns") and is_texts else NO

    def read_row(self, fields: Fields) -> Iterable[Record]:
        turns = fields.list("turns")
        if not turns:
            raise fields.error("turns", "a question needs at least one turn")
        yield QuestionRecord(
            external_id=fields.identifier("question_id"),
            turns=tuple(read_content(turn, f"turns[{i}]") for i, turn in enumerate(turns)),
            category=fields.text_or_empty("category"),
            dimension=fields.text_or_empty("dimension"),
            language=fields.text_or_empty("language"),
            references=fields.texts_or_empty("references"),
            tags=fields.texts_or_empty("tags"),
            # MT-Bench's own "reference" holds hints for human raters; its judges are guided by
            # the files under reference_answer/ alone, so the hints stay metadata
            metadata=fields.rest(*OWN_FIELDS),
            place=fields.place,
        )

    def write_records(self, records: Iterable[Record]) -> Iterator[dict[str, JsonValue]]:
        for record in records:
            assert isinstance(record, QuestionRecord)
            row: dict[str, JsonValue] = {
                "question_id": written_id(record.external_id),
                "category": record.category,
                "turns": written_turns(record),
            }
            for key in ("dimension", "language"):
                if value := getattr(record, key):
                    row[key] = value
            if record.references:
                row["references"] = list(record.references)
            if record.tags:
                row["tags"] = list(record.tags)
            yield row | record.metadata


OWN_FIELDS = ("question_id", "turns", "category", "dimension", "language", "references", "tags")


def written_turns(record: QuestionRecord) -> list[JsonValue]:
    """Texts as MT-Bench has them; a turn with images as a list of parts."""
    turns: list[JsonValue] = []
    for turn, parts in zip(record.turns, record.turns_as_json, strict=True):
        is_text = len(turn) == 1 and isinstance(turn[0], TextPart)
        turns.append(record.turn_texts[len(turns)] if is_text else parts)
    return turns
