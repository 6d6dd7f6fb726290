"""The ``arena-human-preference-140k`` set: content parts, sessions and evaluation order."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from pydantic import JsonValue

from arena.dialects import DIALECTS
from arena.dialects.battles import battle_between, read_models, sides_of
from arena.dialects.conversations import read_messages
from arena.dialects.dialect import NO, SURE, Dialect, Sample
from arena.dialects.fields import Fields
from arena.dialects.outcomes import read_outcome
from arena.dialects.records import BattleRecord, Record, TextPart, Turn, VoteRecord

OWN_FIELDS = (
    "id",
    "model_a",
    "model_b",
    "winner",
    "conversation_a",
    "conversation_b",
    "full_conversation",
    "evaluation_session_id",
    "language",
    "timestamp",
)


@DIALECTS.register("arena_140k")
class Arena140k(Dialect):
    """``evaluation_order`` stays in the metadata: only order 1 is a vote from a cold start.

    The voter is the evaluation session, so that its votes are not taken for independent ones.
    """

    name = "arena_140k"
    label = "Arena human preference (140k)"
    writes = (BattleRecord,)

    def detect(self, sample: Sample) -> float:
        is_battle = sample.have("id", "model_a", "model_b", "winner", "conversation_a")
        is_expert_set = sample.mention("occupational_tags")
        return (
            SURE if is_battle and sample.have("evaluation_session_id") and not is_expert_set else NO
        )

    def read_row(self, fields: Fields) -> Iterable[Record]:
        battle = battle_between(
            fields,
            read_models(fields),
            [
                read_messages(fields.list(key), fields, key)
                for key in ("conversation_a", "conversation_b")
            ],
            external_id=fields.identifier("id"),
            language=fields.text_or_empty("language")[:20],
            tstamp=fields.timestamp("timestamp"),
            metadata=fields.rest(*OWN_FIELDS),
        )
        vote = VoteRecord(
            read_outcome(fields, "winner"),
            voter=fields.identifier_or_empty("evaluation_session_id"),
            tstamp=battle.tstamp,
        )
        yield replace(battle, votes=(vote,))

    def write_records(self, records: Iterable[Record]) -> Iterator[dict[str, JsonValue]]:
        for record in records:
            assert isinstance(record, BattleRecord)
            for vote in record.votes:
                row: dict[str, JsonValue] = {
                    "id": record.external_id,
                    "model_a": record.model_a,
                    "model_b": record.model_b,
                    "winner": vote.outcome,
                    "evaluation_session_id": vote.voter or None,
                    "language": record.language,
                    "timestamp": record.tstamp,
                }
                for side, turns, replies in sides_of(record):
                    row[f"conversation_{side}"] = [
                        message
                        for turn, reply in zip(turns, replies, strict=True)
                        for message in (
                            {"role": "user", "content": _parts(turn)},
                            {"role": "assistant", "content": _parts((TextPart(reply),))},
                        )
                    ]
                yield record.metadata | row


def _parts(turn: Turn) -> JsonValue:
    return [
        {"type": "text", "text": part.text, "image": None, "mimeType": None}
        if isinstance(part, TextPart)
        else {"type": "image", "text": None, "image": part.url, "mimeType": None}
        for part in turn
    ]
