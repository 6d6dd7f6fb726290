"""llmuses ``answers/answer_<model>.jsonl``: the question's fields and the answer."""

from collections.abc import Iterable, Iterator

from pydantic import JsonValue

from arena.dialects import DIALECTS
from arena.dialects.dialect import NO, SURE, Dialect, Sample
from arena.dialects.fields import Fields
from arena.dialects.llmuses_questions import question_row, read_question
from arena.dialects.records import AnswerRecord, Record


@DIALECTS.register("llmuses_answers")
class LlmusesAnswers(Dialect):
    name = "llmuses_answers"
    label = "llmuses answers"
    default_set = "llmuses"
    writes = (AnswerRecord,)

    def detect(self, sample: Sample) -> float:
        return SURE if sample.have("question_id", "model_id", "answer") else NO

    def read_row(self, fields: Fields) -> Iterable[Record]:
        yield AnswerRecord(
            model=fields.name("model_id"),
            question=read_question(fields, "text"),
            turns=(fields.text("answer"),),
            settings=fields.object_or_empty("metadata").values,
            place=fields.place,
        )

    def write_records(self, records: Iterable[Record]) -> Iterator[dict[str, JsonValue]]:
        for record in records:
            assert isinstance(record, AnswerRecord)
            yield question_row(record.question, "text") | {
                "model_id": record.model,
                "metadata": record.settings,
                "answer": "\n\n".join(record.turns),
            }
