"""The published human judgments of MT-Bench, and the GPT-4 ones of the same shape."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from pydantic import JsonValue

from arena.dialects import DIALECTS
from arena.dialects.battles import battle_between, read_models, sides_of
from arena.dialects.conversations import Conversation, message_rows, read_messages
from arena.dialects.dialect import NO, SURE, Dialect, Sample
from arena.dialects.fields import Fields
from arena.dialects.judge_names import read_judge
from arena.dialects.mt_bench_questions import written_id
from arena.dialects.outcomes import read_outcome
from arena.dialects.records import (
    BattleRecord,
    JudgmentRecord,
    QuestionRecord,
    Record,
    VoteRecord,
)

PEOPLE = ("author_", "expert_")  # how the two groups of human raters are named


@DIALECTS.register("mt_bench_human")
class MtBenchHuman(Dialect):
    name = "mt_bench_human"
    label = "MT-Bench human judgments"
    default_set = "mt-bench"
    writes = (BattleRecord,)

    def detect(self, sample: Sample) -> float:
        is_battle = sample.have("question_id", "model_a", "model_b", "winner", "judge", "turn")
        return SURE if is_battle and not sample.mention("tstamp", "anony") else NO

    def read_row(self, fields: Fields) -> Iterable[Record]:
        judge, prompt_name = read_judge(fields)
        turn = fields.count_or_none("turn") or 1
        sides = [
            read_messages(fields.list(key), fields, key)
            for key in ("conversation_a", "conversation_b")
        ]
        question = QuestionRecord(fields.identifier("question_id"), sides[0].turns)
        # a verdict on turn 1 was given before the second turn was seen
        shown = [_first_turns(side, turn) for side in sides]
        battle = battle_between(fields, read_models(fields), shown, question=question)
        outcome = read_outcome(fields, "winner")
        if judge.startswith(PEOPLE):
            vote = VoteRecord(outcome, voter=judge, is_expert=judge.startswith("expert_"))
            yield replace(battle, votes=(vote,))
        else:
            yield JudgmentRecord(
                judge=judge,
                mode="pairwise",
                question=question,
                model_a=battle.model_a,
                model_b=battle.model_b,
                battle=battle,
                turn=turn,
                outcome=outcome,
                prompt_name=prompt_name,
                metadata={"is_aggregate": True},
                place=fields.place,
            )

    def write_records(self, records: Iterable[Record]) -> Iterator[dict[str, JsonValue]]:
        for record in records:
            assert isinstance(record, BattleRecord)
            for vote in record.votes:
                row: dict[str, JsonValue] = {
                    "question_id": written_id(record.question.external_id)
                    if record.question
                    else None,
                    "model_a": record.model_a,
                    "model_b": record.model_b,
                    "winner": "tie" if vote.outcome == "both_bad" else vote.outcome,
                    "judge": vote.voter,
                    "turn": record.turn_count,
                }
                for side, turns, replies in sides_of(record):
                    row[f"conversation_{side}"] = message_rows(turns, replies)
                yield row


def _first_turns(conversation: Conversation, count: int) -> Conversation:
    return Conversation(conversation.turns[:count], conversation.replies[:count])
