"""From stored answers to the tasks that judges decide.

Texts are read once and kept: in a run every answer takes part in many judgments, and joining the
texts to each of them would read the same megabytes over and over.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from arena.models import Answer, Question
from judging.task import JudgingError, JudgingTask
from judging.verdicts.base import Mode

KEPT_ANSWERS = 20_000  # about 40 MB of answers of 2,000 characters


class Slot(NamedTuple):
    """What one judgment is about, by primary keys: side a's answer, side b's (0 when single)."""

    answer_a: int
    answer_b: int
    game: int
    turn: int
    repeat: int = 0

    @property
    def mode(self) -> Mode:
        return Mode.PAIRWISE if self.answer_b else Mode.SINGLE

    @property
    def answers(self) -> tuple[int, ...]:
        return (self.answer_a, self.answer_b) if self.answer_b else (self.answer_a,)


@dataclass(frozen=True, slots=True)
class _QuestionTexts:
    key: str
    turns: tuple[str, ...]
    references: tuple[str, ...]
    images: tuple[tuple[str, ...], ...]
    category: str
    language: str


@dataclass(frozen=True, slots=True)
class _AnswerTexts:
    question_id: int
    turns: tuple[str, ...]
    model: str
    family: str


@dataclass(slots=True)
class TaskReader:
    """Makes tasks of slots. ``fetch`` before ``task``: the first makes queries, the second none."""

    seed: int = 0
    answers: dict[int, _AnswerTexts] = field(default_factory=dict)
    questions: dict[int, _QuestionTexts] = field(default_factory=dict)

    def fetch(self, slots: Iterable[Slot]) -> None:
        """Read what these slots need and is not there yet."""
        wanted = {answer for slot in slots for answer in slot.answers}
        missing = wanted - self.answers.keys()
        if len(self.answers) + len(missing) > KEPT_ANSWERS:
            self.answers.clear()
            missing = wanted
        if missing:
            self._fetch_answers(missing)

    def _fetch_answers(self, ids: Collection[int]) -> None:
        rows = Answer.objects.filter(pk__in=ids).values_list(
            "id", "question_id", "turns", "model__slug", "model__organisation"
        )
        for pk, question_id, turns, model, family in rows:
            self.answers[pk] = _AnswerTexts(question_id, tuple(turns), model, family)
        asked = {self.answers[pk].question_id for pk in ids if pk in self.answers}
        questions = Question.objects.filter(pk__in=asked - self.questions.keys()).order_by()
        for question in questions.only(
            "external_id", "turns", "references", "category", "language"
        ):
            self.questions[question.pk] = _question_texts(question)

    def task(self, slot: Slot) -> JudgingTask:
        """The task of a slot; raises JudgingError when its answers do not have the turns."""
        first = self.answers[slot.answer_a]
        second = self.answers[slot.answer_b] if slot.answer_b else None
        question = self.questions[first.question_id]
        for answer in filter(None, (first, second)):
            if not answer.turns:
                raise JudgingError(
                    "answer_incomplete",
                    f"question {question.key}: the answer of {answer.model!r} has no turn; "
                    "generate it first",
                )
        return JudgingTask(
            mode=slot.mode,
            questions=question.turns,
            answers_a=first.turns,
            answers_b=second.turns if second else (),
            references=question.references,
            images=question.images,
            category=question.category,
            language=question.language,
            game=slot.game,
            turn=slot.turn,
            repeat=slot.repeat,
            seed=self.seed,
            question_key=question.key,
            model_a=first.model,
            model_b=second.model if second else "",
            family_a=first.family,
            family_b=second.family if second else "",
        )


def _question_texts(question: Question) -> _QuestionTexts:
    images = tuple(
        tuple(part["url"] for part in turn if part.get("type") == "image")
        for turn in question.turns
    )
    return _QuestionTexts(
        key=question.external_id,
        turns=tuple(question.turn_texts),
        references=tuple(text or "" for text in question.references),
        images=images if any(images) else (),
        category=question.category,
        language=question.language,
    )
