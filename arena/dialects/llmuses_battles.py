"""llmuses ``qa_browser/battle.jsonl``: reviews that carry both answers."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from pydantic import JsonValue

from arena.dialects import DIALECTS
from arena.dialects.dialect import NO, SURE, Sample
from arena.dialects.fields import Fields
from arena.dialects.llmuses_reviews import LlmusesReviews
from arena.dialects.records import AnswerRecord, JudgmentRecord, QuestionRecord, Record


@DIALECTS.register("llmuses_battles")
class LlmusesBattles(LlmusesReviews):
    name = "llmuses_battles"
    label = "llmuses battles (qa_browser)"

    def detect(self, sample: Sample) -> float:
        is_battle = sample.have("question_id", "model_a", "model_b", "output_a", "output_b")
        return SURE if is_battle else NO

    def read_row(self, fields: Fields) -> Iterable[Record]:
        for record in super().read_row(fields):
            assert isinstance(record, JudgmentRecord)
            yield replace(
                record,
                answer_a=_answer(fields, "output_a", record.model_a, record.question),
                answer_b=_answer(fields, "output_b", record.model_b, record.question),
            )

    def write_records(self, records: Iterable[Record]) -> Iterator[dict[str, JsonValue]]:
        judgments = [r for r in records if isinstance(r, JudgmentRecord) and r.answer_a]
        for record in judgments:
            for row in super().write_records([record]):
                yield row | {
                    "output_a": _text(record.answer_a),
                    "output_b": _text(record.answer_b),
                }


def _answer(fields: Fields, key: str, model: str, question: QuestionRecord) -> AnswerRecord:
    return AnswerRecord(model, question, (fields.text(key),), place=fields.place)


def _text(answer: AnswerRecord | None) -> str:
    return "\n\n".join(answer.turns) if answer else ""
