"""What all files of arena battles share: two conversations, who won, who voted."""

from collections.abc import Iterator, Sequence

from arena.dialects.conversations import Conversation
from arena.dialects.fields import FieldError, Fields
from arena.dialects.records import (
    AnswerRecord,
    BattleRecord,
    Metadata,
    QuestionRecord,
    SideName,
    Turn,
)

EMPTY_ANSWER, NAMED = "empty_answer", "named"  # reasons to keep a battle without counting it


def read_models(fields: Fields) -> tuple[str, str]:
    return fields.name("model_a"), fields.name("model_b")


def battle_between(
    fields: Fields,
    models: tuple[str, str],
    sides: Sequence[Conversation],
    *,
    question: QuestionRecord | None = None,
    external_id: str = "",
    is_anonymous: bool = True,
    language: str = "",
    tstamp: float | None = None,
    tags: tuple[str, ...] = (),
    metadata: Metadata | None = None,
) -> BattleRecord:
    if models[0] == models[1]:
        raise FieldError("model_b", models[1], "a model cannot battle itself")
    if sides:
        _check_same_question(sides)
        if question is None:
            question = QuestionRecord(turns=sides[0].turns, language=language, tags=tags)
    answers = [
        AnswerRecord(
            model=model,
            question=question,
            turns=side.replies,
            sample_index=None,
            output_tokens=side.output_tokens,
            settings={"system": side.system} if side.system else {},
        )
        for model, side in zip(models, sides, strict=False)
        if question is not None
    ]
    return BattleRecord(
        model_a=models[0],
        model_b=models[1],
        question=question,
        answer_a=answers[0] if answers else None,
        answer_b=answers[1] if answers else None,
        external_id=external_id,
        is_anonymous=is_anonymous,
        language=language,
        turn_count=len(sides[0].replies) if sides else fields.count_or_none("turn") or 1,
        exclusion=_exclusion(sides, is_anonymous),
        tstamp=tstamp,
        metadata=metadata or {},
        place=fields.place,
    )


def _check_same_question(sides: Sequence[Conversation]) -> None:
    first, second = sides
    if first.turns != second.turns:
        asked = str(second.turns)
        remedy = "the user's turns differ from those of the other side; a battle has one question"
        raise FieldError("conversation_b", asked, remedy)


def _exclusion(sides: Sequence[Conversation], is_anonymous: bool) -> str:
    if not is_anonymous:
        return NAMED
    is_empty = any(not reply.strip() for side in sides for reply in side.replies)
    return EMPTY_ANSWER if is_empty else ""


def sides_of(
    record: BattleRecord,
) -> Iterator[tuple[SideName, tuple[Turn, ...], tuple[str, ...]]]:
    """Each side's letter, the turns it answered and its replies; nothing without texts."""
    if record.question is None or record.answer_a is None or record.answer_b is None:
        return
    replied: tuple[tuple[SideName, AnswerRecord], ...] = (
        ("a", record.answer_a),
        ("b", record.answer_b),
    )
    for side, answer in replied:
        yield side, record.question.turns[: len(answer.turns)], answer.turns
