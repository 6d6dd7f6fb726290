"""AlpacaEval ``annotations.json``, keyed by the instruction or by ``instruction_id``."""

import json
from collections.abc import Iterable, Iterator

from pydantic import JsonValue

from arena.dialects import DIALECTS
from arena.dialects.alpaca_eval_instructions import read_instruction, written_instruction
from arena.dialects.dialect import NO, SURE, Dialect, Sample
from arena.dialects.fields import Fields
from arena.dialects.outcomes import preference_outcome
from arena.dialects.records import AnswerRecord, JudgmentRecord, QuestionRecord, Record

DRAW, LEGACY_DRAW = 1.5, 0.0
KEPT = (
    "index",
    "datasplit",
    "glm_preference",
    "is_switched_outputs",
    "referenced_models",
    "time_per_example",
    "price_per_example",
)


@DIALECTS.register("alpaca_eval_annotations")
class AlpacaEvalAnnotations(Dialect):
    """``output_1``, the baseline, is side a; ``preference`` runs from 1 (a) to 2 (b)."""

    name = "alpaca_eval_annotations"
    label = "AlpacaEval annotations (annotations.json)"
    container = "json"
    default_set = "alpaca-eval"
    writes = (JudgmentRecord,)

    def detect(self, sample: Sample) -> float:
        return SURE if sample.have("generator_1", "generator_2", "preference") else NO

    def read_row(self, fields: Fields) -> Iterable[Record]:
        models = (fields.name("generator_1"), fields.name("generator_2"))
        if models[0] == models[1]:
            raise fields.error("generator_2", "a model cannot be compared with itself")
        question = read_instruction(fields)
        preference = _read_preference(fields)
        yield JudgmentRecord(
            judge=fields.name("annotator") if "annotator" in fields else "alpaca_eval",
            mode="pairwise",
            question=question,
            model_a=models[0],
            model_b=models[1],
            answer_a=_read_output(fields, "output_1", models[0], question),
            answer_b=_read_output(fields, "output_2", models[1], question),
            outcome="" if preference is None else preference_outcome(preference),
            preference=preference,
            is_readable=preference is not None,
            raw_text=_raw_text(fields),
            metadata={key: fields.get(key) for key in KEPT if key in fields},
            place=fields.place,
        )

    def write_records(self, records: Iterable[Record]) -> Iterator[dict[str, JsonValue]]:
        for record in records:
            if not isinstance(record, JudgmentRecord) or record.preference is None:
                continue
            yield {
                **written_instruction(record.question),
                "output_1": _written_output(record.answer_a),
                "generator_1": record.model_a,
                "output_2": _written_output(record.answer_b),
                "generator_2": record.model_b,
                "annotator": record.judge,
                "preference": record.preference,
                "raw_completion": record.raw_text,
                **record.metadata,
            }


def _read_preference(fields: Fields) -> float | None:
    preference = fields.number_or_none("preference")
    if preference is None:
        return None
    if preference == LEGACY_DRAW:
        return DRAW
    if not 1 <= preference <= 2:
        raise fields.error("preference", "expected a number from 1 (output_1) to 2 (output_2)")
    return preference


def _read_output(
    fields: Fields, key: str, model: str, question: QuestionRecord
) -> AnswerRecord | None:
    if key not in fields:
        return None
    return AnswerRecord(model, question, (fields.text(key),), place=fields.place)


def _written_output(answer: AnswerRecord | None) -> str:
    return "\n\n".join(answer.turns) if answer else ""


def _raw_text(fields: Fields) -> str:
    value = fields.get("raw_completion")
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False)
