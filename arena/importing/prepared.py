"""A battle on its way into the database, and the key it is known by."""

from dataclasses import dataclass

from arena.dialects.records import BattleRecord, content_hash
from arena.importing.answers import Placed

KEY_PREFIX = "agon:"  # a key that was made here and is taken over as it stands
KEY_CHARACTERS = 40


@dataclass(slots=True)
class Prepared:
    """A battle on its way into the database.

    ``is_exchanged``: its sides stand the other way round than in the record.
    """

    record: BattleRecord
    key: str
    model_ids: tuple[int, int]
    question_id: int | None = None
    answers: tuple[Placed, Placed] | None = None
    answer_ids: tuple[int, int] | None = None
    battle_id: int | None = None
    is_new: bool = False
    is_exchanged: bool = False

    def stand_on(self, answer_ids: tuple[int, int]) -> None:
        """Take the answers; a battle of stored answers has them in the order of their ids."""
        self.answer_ids = answer_ids
        if self.record.origin == "stored" and answer_ids[0] > answer_ids[1]:
            self.answer_ids = (answer_ids[1], answer_ids[0])
            self.model_ids = (self.model_ids[1], self.model_ids[0])
            self.is_exchanged = True

    @property
    def row_id(self) -> int:
        if self.battle_id is None:
            raise LookupError(f"battle {self.key} has not been resolved yet")
        return self.battle_id


def made_key(digest: str, tstamp: float | None) -> str:
    """A key that begins with the time.

    Files are mostly in the order of time; so neighbouring rows have neighbouring keys, and a large
    import fills the index from one end instead of touching all its pages again and again.
    """
    return f"{KEY_PREFIX}{int(tstamp or 0):010x}{digest[:KEY_CHARACTERS]}"


def battle_key(record: BattleRecord) -> str:
    """Equal for equal battles: of the same id, sides, texts and time."""
    if record.external_id.startswith(KEY_PREFIX):
        return record.external_id
    question = record.question
    digest = content_hash(
        [
            record.external_id,
            record.model_a,
            record.model_b,
            None if question is None else [question.external_id, question.turns_as_json],
            None if record.answer_a is None else list(record.answer_a.turns),
            None if record.answer_b is None else list(record.answer_b.turns),
            record.turn_count,
            record.tstamp,
        ]
    )
    return made_key(digest, record.tstamp)
