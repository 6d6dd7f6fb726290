"""llmuses (old EvalScope) ``question.jsonl``: one text per question."""

from collections.abc import Iterable, Iterator

from pydantic import JsonValue

from arena.dialects import DIALECTS
from arena.dialects.conversations import text_turns
from arena.dialects.dialect import NO, SURE, Dialect, Sample
from arena.dialects.fields import Fields
from arena.dialects.mt_bench_questions import written_id
from arena.dialects.records import QuestionRecord, Record


def read_question(fields: Fields, key: str) -> QuestionRecord:
    """The question of any llmuses row; ``key`` names the field with its text."""
    return QuestionRecord(
        external_id=fields.identifier("question_id"),
        turns=text_turns([fields.text(key)]) if key in fields else (),
        category=fields.text_or_empty("category"),
        place=fields.place,
    )


def question_row(question: QuestionRecord, key: str) -> dict[str, JsonValue]:
    return {
        "question_id": written_id(question.external_id),
        key: "\n\n".join(question.turn_texts),
        "category": question.category,
    }


@DIALECTS.register("llmuses_questions")
class LlmusesQuestions(Dialect):
    name = "llmuses_questions"
    label = "llmuses questions"
    default_set = "llmuses"
    writes = (QuestionRecord,)

    def detect(self, sample: Sample) -> float:
        is_question = sample.have("question_id", "text", "category")
        return SURE if is_question and not sample.mention("answer", "model_id") else NO

    def read_row(self, fields: Fields) -> Iterable[Record]:
        fields.text("text")
        yield read_question(fields, "text")

    def write_records(self, records: Iterable[Record]) -> Iterator[dict[str, JsonValue]]:
        for record in records:
            assert isinstance(record, QuestionRecord)
            yield question_row(record, "text")
