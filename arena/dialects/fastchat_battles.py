"""FastChat's clean battles (``clean_battle_*.json``), with or without the conversations.

Later stages of that pipeline add tags and counts; they are kept as the battle's metadata.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from pydantic import JsonValue

from arena.dialects import DIALECTS
from arena.dialects.battles import battle_between, read_models, sides_of
from arena.dialects.conversations import message_rows, read_messages
from arena.dialects.dialect import LIKELY, NO, Dialect, Sample
from arena.dialects.fields import Fields
from arena.dialects.languages import language_code, language_name
from arena.dialects.outcomes import read_outcome
from arena.dialects.records import BattleRecord, OutcomeName, Record, VoteRecord

OWN_FIELDS = (
    "question_id",
    "model_a",
    "model_b",
    "winner",
    "judge",
    "conversation_a",
    "conversation_b",
    "turn",
    "anony",
    "language",
    "tstamp",
)
WRITTEN_WINNERS: dict[OutcomeName, str] = {
    "model_a": "model_a",
    "model_b": "model_b",
    "tie": "tie",
    "both_bad": "tie (bothbad)",
}


@DIALECTS.register("fastchat_battles")
class FastChatBattles(Dialect):
    name = "fastchat_battles"
    label = "FastChat clean battles"
    container = "json"
    writes = (BattleRecord,)

    def detect(self, sample: Sample) -> float:
        is_battle = sample.have("model_a", "model_b", "winner")
        return LIKELY if is_battle and sample.mention("tstamp", "anony") else NO

    def read_row(self, fields: Fields) -> Iterable[Record]:
        sides = [
            read_messages(fields.list(key), fields, key)
            for key in ("conversation_a", "conversation_b")
            if key in fields
        ]
        if len(sides) == 1:
            raise fields.error("conversation_b", "expected both conversations or none")
        battle = battle_between(
            fields,
            read_models(fields),
            sides,
            external_id=fields.identifier_or_empty("question_id"),
            is_anonymous=fields.flag("anony", default=True),
            language=language_code(fields.text_or_empty("language"))[:20],
            tstamp=fields.timestamp("tstamp"),
            metadata=fields.rest(*OWN_FIELDS),
        )
        vote = VoteRecord(
            read_outcome(fields, "winner"),
            voter=fields.identifier_or_empty("judge"),
            shown_first="a",  # side a is FastChat's left side
            tstamp=battle.tstamp,
        )
        yield replace(battle, votes=(vote,))

    def write_records(self, records: Iterable[Record]) -> Iterator[dict[str, JsonValue]]:
        for record in records:
            assert isinstance(record, BattleRecord)
            shared = _battle_row(record)
            for vote in record.votes:
                row = shared | {
                    "winner": WRITTEN_WINNERS[vote.outcome],
                    "judge": vote.voter or None,
                }
                yield row | {"tstamp": vote.tstamp if record.tstamp is None else record.tstamp}


def _battle_row(record: BattleRecord) -> dict[str, JsonValue]:
    row: dict[str, JsonValue] = {
        "question_id": record.external_id or None,
        "model_a": record.model_a,
        "model_b": record.model_b,
        "turn": record.turn_count,
        "anony": record.is_anonymous,
        "language": language_name(record.language),
    }
    for side, turns, replies in sides_of(record):
        row[f"conversation_{side}"] = message_rows(turns, replies)
    return record.metadata | row
