"""MT-Bench ``<judge>_single.jsonl``: scores from 1 to 10."""

from collections.abc import Iterable, Iterator

from pydantic import JsonValue

from arena.dialects import DIALECTS
from arena.dialects.dialect import NO, SURE, Dialect, Sample
from arena.dialects.fields import Fields
from arena.dialects.judge_names import prompt_messages, read_judge, user_prompt_of, written_judge
from arena.dialects.mt_bench_questions import written_id
from arena.dialects.records import JudgmentRecord, QuestionRecord, Record

UNREADABLE_SCORE = -1  # FastChat's mark for a reply without a score


@DIALECTS.register("mt_bench_single")
class MtBenchSingle(Dialect):
    name = "mt_bench_single"
    label = "MT-Bench single scores (*_single.jsonl)"
    default_set = "mt-bench"
    writes = (JudgmentRecord,)

    def detect(self, sample: Sample) -> float:
        return SURE if sample.have("question_id", "model", "judge", "judgment", "score") else NO

    def read_row(self, fields: Fields) -> Iterable[Record]:
        judge, prompt_name = read_judge(fields)
        score = fields.number_or_none("score")
        if score == UNREADABLE_SCORE:
            score = None
        yield JudgmentRecord(
            judge=judge,
            mode="single",
            question=QuestionRecord(fields.identifier("question_id")),
            model_a=fields.name("model"),
            turn=fields.count_or_none("turn") or 0,
            score=score,
            is_readable=score is not None,
            raw_text=fields.text_or_empty("judgment"),
            prompt=prompt_messages(fields.text_or_empty("user_prompt")),
            prompt_name=prompt_name,
            tstamp=fields.timestamp("tstamp"),
            place=fields.place,
        )

    def write_records(self, records: Iterable[Record]) -> Iterator[dict[str, JsonValue]]:
        for record in records:
            if not isinstance(record, JudgmentRecord) or record.mode != "single":
                continue
            yield {
                "question_id": written_id(record.question.external_id),
                "model": record.model_a,
                "judge": written_judge(record.judge, record.prompt_name),
                "user_prompt": user_prompt_of(record.prompt),
                "judgment": record.raw_text,
                "score": UNREADABLE_SCORE if record.score is None else record.score,
                "turn": record.turn,
                "tstamp": record.tstamp,
            }
