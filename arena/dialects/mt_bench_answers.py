"""MT-Bench ``model_answer/<model>.jsonl``."""

from collections.abc import Iterable, Iterator
from itertools import groupby

from pydantic import JsonValue

from arena.dialects import DIALECTS
from arena.dialects.dialect import NO, SURE, Dialect, Sample
from arena.dialects.fields import Fields
from arena.dialects.mt_bench_questions import written_id
from arena.dialects.records import AnswerRecord, QuestionRecord, Record, content_hash

REFERENCE_FOLDER = "reference_answer"
ID_CHARACTERS = 22  # as many as FastChat's short ids have


def has_answer_shape(sample: Sample) -> bool:
    """Answers and reference answers look the same inside; their turns are plain texts."""
    choices = sample.first("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    turns = first.get("turns") if isinstance(first, dict) else None
    is_texts = isinstance(turns, list) and all(isinstance(turn, str) for turn in turns)
    return sample.have("question_id", "model_id", "choices") and is_texts


def answer_row(
    question_id: str, model: str, choices: list[JsonValue], tstamp: float | None
) -> dict[str, JsonValue]:
    row: dict[str, JsonValue] = {
        "question_id": written_id(question_id),
        "answer_id": content_hash([question_id, model, choices])[:ID_CHARACTERS],
        "model_id": model,
        "choices": choices,
    }
    return row if tstamp is None else row | {"tstamp": tstamp}


@DIALECTS.register("mt_bench_answers")
class MtBenchAnswers(Dialect):
    name = "mt_bench_answers"
    label = "MT-Bench answers (model_answer/*.jsonl)"
    default_set = "mt-bench"
    writes = (AnswerRecord,)

    def detect(self, sample: Sample) -> float:
        is_reference = sample.path_mentions(REFERENCE_FOLDER)
        return SURE if has_answer_shape(sample) and not is_reference else NO

    def read_row(self, fields: Fields) -> Iterable[Record]:
        choices = list(fields.objects("choices"))
        if not choices:
            raise fields.error("choices", "expected at least one choice")
        for number, choice in enumerate(choices):
            index = choice.count_or_none("index")
            yield AnswerRecord(
                model=fields.name("model_id"),
                question=QuestionRecord(fields.identifier("question_id")),
                turns=choice.texts("turns"),
                sample_index=number if index is None else index,
                tstamp=fields.timestamp("tstamp"),
                place=fields.place,
            )

    def write_records(self, records: Iterable[Record]) -> Iterator[dict[str, JsonValue]]:
        answers = (record for record in records if isinstance(record, AnswerRecord))
        for (model, question_id), group in groupby(
            answers, key=lambda answer: (answer.model, answer.question.external_id)
        ):
            samples = list(group)
            choices: list[JsonValue] = [
                {
                    "index": number if answer.sample_index is None else answer.sample_index,
                    "turns": list(answer.turns),
                }
                for number, answer in enumerate(samples)
            ]
            yield answer_row(question_id, model, choices, samples[0].tstamp)
