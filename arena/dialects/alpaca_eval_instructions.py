"""AlpacaEval's instructions alone, with or without an ``instruction_id``."""

from collections.abc import Iterable, Iterator

from pydantic import JsonValue

from arena.dialects import DIALECTS
from arena.dialects.conversations import text_turns
from arena.dialects.dialect import NO, SURE, Dialect, Sample
from arena.dialects.fields import Fields
from arena.dialects.records import QuestionRecord, Record

OWN_FIELDS = ("instruction_id", "instruction", "input", "dataset")


def read_instruction(fields: Fields) -> QuestionRecord:
    """The question of a row: its text, its ``instruction_id``, or both."""
    external_id = fields.identifier_or_empty("instruction_id")
    if external_id and "instruction" not in fields:
        return QuestionRecord(external_id)
    text = fields.text("instruction")
    if extra := fields.text_or_empty("input"):
        text = f"{text}\n\n{extra}"
    return QuestionRecord(
        external_id=external_id,
        turns=text_turns([text]),
        category=fields.text_or_empty("dataset"),
        place=fields.place,
    )


def written_instruction(question: QuestionRecord) -> dict[str, JsonValue]:
    return {"instruction": "\n\n".join(question.turn_texts), "dataset": question.category}


@DIALECTS.register("alpaca_eval_instructions")
class AlpacaEvalInstructions(Dialect):
    name = "alpaca_eval_instructions"
    label = "AlpacaEval instructions"
    container = "json"
    default_set = "alpaca-eval"
    writes = (QuestionRecord,)

    def detect(self, sample: Sample) -> float:
        is_answered = sample.mention("output", "output_1", "generator", "generator_1")
        return SURE if sample.have("instruction") and not is_answered else NO

    def read_row(self, fields: Fields) -> Iterable[Record]:
        question = read_instruction(fields)
        if question.is_pointer:
            raise fields.error("instruction", "expected the text of the instruction")
        yield question

    def write_records(self, records: Iterable[Record]) -> Iterator[dict[str, JsonValue]]:
        for record in records:
            assert isinstance(record, QuestionRecord)
            yield {"instruction_id": record.external_id, **written_instruction(record)}
