"""AlpacaEval ``model_outputs.json``, keyed by the instruction or by ``instruction_id``."""

from collections.abc import Iterable, Iterator

from pydantic import JsonValue

from arena.dialects import DIALECTS
from arena.dialects.alpaca_eval_instructions import read_instruction, written_instruction
from arena.dialects.dialect import NO, SURE, Dialect, Sample
from arena.dialects.fields import Fields
from arena.dialects.records import AnswerRecord, Record


@DIALECTS.register("alpaca_eval_outputs")
class AlpacaEvalOutputs(Dialect):
    name = "alpaca_eval_outputs"
    label = "AlpacaEval outputs (model_outputs.json)"
    container = "json"
    default_set = "alpaca-eval"
    writes = (AnswerRecord,)

    def detect(self, sample: Sample) -> float:
        is_keyed = sample.have("instruction") or sample.have("instruction_id")
        return SURE if sample.have("output", "generator") and is_keyed else NO

    def read_row(self, fields: Fields) -> Iterable[Record]:
        yield AnswerRecord(
            model=fields.name("generator"),
            question=read_instruction(fields),
            turns=(fields.text("output"),),
            place=fields.place,
        )

    def write_records(self, records: Iterable[Record]) -> Iterator[dict[str, JsonValue]]:
        for record in records:
            assert isinstance(record, AnswerRecord)
            yield written_instruction(record.question) | {
                "output": "\n\n".join(record.turns),
                "generator": record.model,
                "datasplit": "eval",
            }
