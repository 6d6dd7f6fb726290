"""The ``arena-human-preference-55k`` set: CSV with lists of turns and a one-hot winner."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace

from pydantic import JsonValue

from arena.dialects import DIALECTS
from arena.dialects.battles import battle_between, read_models
from arena.dialects.conversations import Conversation, text_turns
from arena.dialects.dialect import NO, SURE, Dialect, Sample
from arena.dialects.fields import FieldError, Fields
from arena.dialects.outcomes import read_one_hot
from arena.dialects.records import BattleRecord, OutcomeName, Record, VoteRecord

WINNER_COLUMNS: dict[str, OutcomeName] = {
    "winner_model_a": "model_a",
    "winner_model_b": "model_b",
    "winner_tie": "tie",
}
COLUMNS = ("id", "model_a", "model_b", "prompt", "response_a", "response_b", *WINNER_COLUMNS)


@DIALECTS.register("arena_55k")
class Arena55k(Dialect):
    """Both kinds of tie share one column, so ``both_bad`` is written as a tie."""

    name = "arena_55k"
    label = "Arena human preference (55k, CSV)"
    container = "csv"
    columns = COLUMNS
    writes = (BattleRecord,)

    def detect(self, sample: Sample) -> float:
        return SURE if sample.have("prompt", "response_a", *WINNER_COLUMNS) else NO

    def read_row(self, fields: Fields) -> Iterable[Record]:
        asked = _texts(fields, "prompt")
        sides = [_side(fields, key, asked) for key in ("response_a", "response_b")]
        battle = battle_between(
            fields, read_models(fields), sides, external_id=fields.identifier("id")
        )
        yield replace(battle, votes=(VoteRecord(read_one_hot(fields, WINNER_COLUMNS)),))

    def write_records(self, records: Iterable[Record]) -> Iterator[dict[str, JsonValue]]:
        for record in records:
            assert isinstance(record, BattleRecord)
            asked = list(record.question.turn_texts) if record.question else []
            for vote in record.votes:
                chosen = "tie" if vote.outcome == "both_bad" else vote.outcome
                yield {
                    "id": record.external_id,
                    "model_a": record.model_a,
                    "model_b": record.model_b,
                    "prompt": json.dumps(asked, ensure_ascii=False),
                    "response_a": _replies(record, "answer_a"),
                    "response_b": _replies(record, "answer_b"),
                    **{key: int(chosen == name) for key, name in WINNER_COLUMNS.items()},
                }


def _texts(fields: Fields, key: str) -> list[str]:
    """A list of turns; null turns occur and mean that nothing was said."""
    values = fields.json(key)
    if not isinstance(values, list):
        raise fields.error(key, "expected a JSON list of turns")
    for index, value in enumerate(values):
        if value is not None and not isinstance(value, str):
            raise FieldError(f"{key}[{index}]", value, "expected a text or null")
    return [value if isinstance(value, str) else "" for value in values]


def _side(fields: Fields, key: str, asked: list[str]) -> Conversation:
    replies = _texts(fields, key)
    if not asked or len(replies) != len(asked):
        raise fields.error(key, f"{len(replies)} replies to {len(asked)} turns of the prompt")
    return Conversation(text_turns(asked), tuple(replies))


def _replies(record: BattleRecord, side: str) -> str:
    answer = record.answer_a if side == "answer_a" else record.answer_b
    return json.dumps(list(answer.turns) if answer else [], ensure_ascii=False)
