"""MT-Bench ``reference_answer/<judge>.jsonl``: the shape of answers, told apart by the path."""

from collections.abc import Iterable, Iterator

from pydantic import JsonValue

from arena.dialects import DIALECTS
from arena.dialects.dialect import NO, SURE, Dialect, Sample
from arena.dialects.fields import Fields
from arena.dialects.mt_bench_answers import REFERENCE_FOLDER, answer_row, has_answer_shape
from arena.dialects.records import QuestionRecord, Record, ReferenceAnswerRecord


@DIALECTS.register("mt_bench_reference_answers")
class MtBenchReferenceAnswers(Dialect):
    name = "mt_bench_reference_answers"
    label = "MT-Bench reference answers (reference_answer/*.jsonl)"
    default_set = "mt-bench"
    writes = (ReferenceAnswerRecord,)

    def detect(self, sample: Sample) -> float:
        is_reference = sample.path_mentions(REFERENCE_FOLDER)
        return SURE if has_answer_shape(sample) and is_reference else NO

    def read_row(self, fields: Fields) -> Iterable[Record]:
        choices = list(fields.objects("choices"))
        if len(choices) != 1:
            raise fields.error("choices", "a reference answer has exactly one choice")
        yield ReferenceAnswerRecord(
            question=QuestionRecord(fields.identifier("question_id")),
            turns=choices[0].texts("turns"),
            author=fields.text_or_empty("model_id"),
            tstamp=fields.timestamp("tstamp"),
            place=fields.place,
        )

    def write_records(self, records: Iterable[Record]) -> Iterator[dict[str, JsonValue]]:
        for record in records:
            assert isinstance(record, ReferenceAnswerRecord)
            choices: list[JsonValue] = [{"index": 0, "turns": list(record.turns)}]
            yield answer_row(record.question.external_id, record.author, choices, record.tstamp)
