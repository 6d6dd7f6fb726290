"""The ``arena-expert-5k`` set: conversations as JSON inside texts, occupations as tags."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace

from pydantic import JsonValue

from arena.dialects import DIALECTS
from arena.dialects.battles import battle_between, read_models, sides_of
from arena.dialects.conversations import Conversation, message_rows, read_messages
from arena.dialects.dialect import NO, SURE, Dialect, Sample
from arena.dialects.fields import Fields
from arena.dialects.outcomes import read_outcome
from arena.dialects.records import BattleRecord, Record, VoteRecord


@DIALECTS.register("arena_expert")
class ArenaExpert(Dialect):
    name = "arena_expert"
    label = "Arena expert prompts (5k)"
    writes = (BattleRecord,)

    def detect(self, sample: Sample) -> float:
        is_battle = sample.have("id", "model_a", "model_b", "winner", "occupational_tags")
        return SURE if is_battle else NO

    def read_row(self, fields: Fields) -> Iterable[Record]:
        tags = fields.object_or_empty("occupational_tags").values
        order = fields.count_or_none("evaluation_order")
        battle = battle_between(
            fields,
            read_models(fields),
            [_conversation(fields, key) for key in ("conversation_a", "conversation_b")],
            external_id=fields.identifier("id"),
            language=fields.text_or_empty("language")[:20],
            tags=tuple(sorted(tag for tag, is_set in tags.items() if is_set is True)),
            metadata={"evaluation_order": order} if order is not None else {},
        )
        vote = VoteRecord(
            read_outcome(fields, "winner"),
            voter=fields.identifier_or_empty("evaluation_session_id"),
        )
        yield replace(battle, votes=(vote,))

    def write_records(self, records: Iterable[Record]) -> Iterator[dict[str, JsonValue]]:
        for record in records:
            assert isinstance(record, BattleRecord)
            tags = record.question.tags if record.question else ()
            for vote in record.votes:
                row: dict[str, JsonValue] = {
                    "id": record.external_id,
                    "model_a": record.model_a,
                    "model_b": record.model_b,
                    "winner": vote.outcome,
                    "evaluation_session_id": vote.voter or None,
                    "language": record.language,
                    "occupational_tags": dict.fromkeys(tags, True),
                }
                for side, turns, replies in sides_of(record):
                    messages = message_rows(turns, replies)
                    row[f"conversation_{side}"] = json.dumps(messages, ensure_ascii=False)
                yield record.metadata | row


def _conversation(fields: Fields, key: str) -> Conversation:
    value = fields.get(key)
    messages = value if isinstance(value, list) else fields.json(key)
    if not isinstance(messages, list):
        raise fields.error(key, "expected a list of messages inside this text")
    return read_messages(messages, fields, key)
