"""One question to a judge, free of rows and of any provider."""

from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from random import Random

from judging.verdicts.base import Mode

WHOLE_CONVERSATION = 0


class TurnScope(StrEnum):
    """How much of a conversation a verdict is about."""

    ONE_TURN = "one_turn"
    LAST_TURN = "last_turn"
    WHOLE = "whole"


class JudgingError(Exception):
    """A task that cannot be put to a judge; ``kind`` is the stable word stored on rows."""

    def __init__(self, kind: str, detail: str) -> None:
        self.kind = kind
        self.detail = detail
        super().__init__(detail)


@dataclass(frozen=True, slots=True)
class JudgingTask:
    """What is to be judged, in battle order: ``answers_a`` belongs to the battle's side a.

    Every tuple runs over turns. In single mode ``answers_a`` is the answer. ``turn`` 1 shows the
    first turn only, ``turn`` k the first k with the verdict on the k-th; 0 is about the whole
    conversation. Game 2 shows side b first. ``images`` holds image URLs per user turn. Model names
    and families are for offline judges and never reach a prompt.
    """

    mode: Mode
    questions: tuple[str, ...]
    answers_a: tuple[str, ...]
    answers_b: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    images: tuple[tuple[str, ...], ...] = ()
    category: str = ""
    language: str = ""
    game: int = 1
    turn: int = WHOLE_CONVERSATION
    repeat: int = 0
    seed: int = 0
    question_key: str = ""
    model_a: str = ""
    model_b: str = ""
    family_a: str = ""
    family_b: str = ""

    def __post_init__(self) -> None:
        where = f"question {self.question_key or self.questions[:1]!r}"
        if self.game not in (1, 2):
            raise JudgingError("bad_game", f"{where}: game is {self.game}; it is 1 or 2")
        if not 0 <= self.turn <= len(self.questions) or not self.questions:
            raise JudgingError(
                "bad_turn", f"{where}: turn {self.turn} of {len(self.questions)} does not exist"
            )
        if (self.mode is Mode.SINGLE) == bool(self.answers_b):
            raise JudgingError(
                "bad_mode", f"{where}: pairwise judging takes two answers, single judging one"
            )
        sides = [self.answers_a] if self.mode is Mode.SINGLE else [self.answers_a, self.answers_b]
        for answers in sides:
            if len(answers) < self.shown_turns:
                raise JudgingError(
                    "answer_incomplete",
                    f"{where}: an answer has {len(answers)} of {self.shown_turns} turns; "
                    "generate the missing turns first",
                )

    @property
    def shown_turns(self) -> int:
        """How many turns the judge sees."""
        return self.turn or len(self.questions)

    @property
    def scope(self) -> TurnScope:
        """What the verdict is about."""
        if self.shown_turns == 1:
            return TurnScope.ONE_TURN
        return TurnScope.WHOLE if self.turn == WHOLE_CONVERSATION else TurnScope.LAST_TURN

    @property
    def shown_first(self) -> tuple[str, ...]:
        """The turns of the answer that is shown first."""
        answers = self.answers_b if self.game == 2 else self.answers_a
        return answers[: self.shown_turns]

    @property
    def shown_second(self) -> tuple[str, ...]:
        """The turns of the answer that is shown second; empty in single mode."""
        answers = self.answers_a if self.game == 2 else self.answers_b
        return answers[: self.shown_turns]

    @property
    def shown_images(self) -> tuple[str, ...]:
        """The images of the turns that are shown."""
        return tuple(url for turn in self.images[: self.shown_turns] for url in turn)

    @property
    def are_answers_identical(self) -> bool:
        """Whether a pairwise judge would compare a text with itself."""
        return self.mode is Mode.PAIRWISE and self.shown_first == self.shown_second

    def reference(self, turn: int) -> str:
        """The reference answer of a turn, counted from 1; empty when there is none."""
        return self.references[turn - 1] if turn <= len(self.references) else ""

    def random(self, purpose: str, *, is_per_game: bool = True) -> Random:
        """Random numbers that depend on this task alone; alike in both games unless per game."""
        identity = (
            purpose,
            self.seed,
            self.question_key or self.questions,
            self.model_a,
            self.model_b,
            self.turn,
            self.repeat,
            self.game if is_per_game else 0,
        )
        return Random(sha256(repr(identity).encode()).digest())
