"""What every verdict convention takes and gives."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import ClassVar, Protocol, Self

AGREEING_PREFERENCE = 1.5  # the middle of AlpacaEval's scale from 1 (first) to 2 (second)


class Mode(StrEnum):
    """What a judge is asked for: a score of one answer, or a choice between two."""

    SINGLE = "single"
    PAIRWISE = "pairwise"


class Outcome(StrEnum):
    """Who is better; the same words as on battles and votes."""

    MODEL_A = "model_a"
    MODEL_B = "model_b"
    TIE = "tie"
    BOTH_BAD = "both_bad"

    @property
    def is_decisive(self) -> bool:
        """Whether one side is preferred."""
        return self in (Outcome.MODEL_A, Outcome.MODEL_B)

    def swapped(self) -> "Outcome":
        """The same outcome with the two sides exchanged."""
        return _SWAPPED.get(self, self)


_SWAPPED = {Outcome.MODEL_A: Outcome.MODEL_B, Outcome.MODEL_B: Outcome.MODEL_A}


class UnreadableReason(StrEnum):
    """Why a reply holds no verdict: the stable word stored on rows."""

    EMPTY_REPLY = "empty_reply"
    TRUNCATED = "truncated"
    NO_VERDICT = "no_verdict"
    UNKNOWN_LABEL = "unknown_label"
    OUT_OF_SCALE = "out_of_scale"
    MALFORMED_JSON = "malformed_json"
    NO_LOGPROBS = "no_logprobs"
    WRONG_MODE = "wrong_mode"
    NO_QUORUM = "no_quorum"


@dataclass(frozen=True, slots=True)
class JudgeReply:
    """A judge's reply as conventions see it.

    ``first_token_logprobs`` are natural-log probabilities of the candidates for the first token,
    or ``None`` when the endpoint gave none. ``is_truncated`` tells that the token limit cut it.
    """

    text: str
    first_token_logprobs: Mapping[str, float] | None = None
    is_truncated: bool = False


@dataclass(frozen=True, slots=True)
class ParsedVerdict:
    """What a reply says, in the order shown: ``model_a`` is the answer that was shown first.

    ``strength`` is 3 for a strong and 1 for a weak preference where the convention grades it.
    ``score`` is the single mode's; ``scores`` those of both answers where a convention scores
    pairs. ``preference`` is AlpacaEval's, 1 (first is better) to 2 (second is better).
    ``confidence`` in [0, 1] is the judge's own; ``label`` its word, where a score stands for one.
    ``span`` locates the verdict in the reply.
    ``reason`` is set exactly when the reply is unreadable.
    """

    outcome: Outcome | None = None
    strength: int | None = None
    score: float | None = None
    scores: tuple[float, float] | None = None
    preference: float | None = None
    confidence: float | None = None
    label: str = ""
    span: tuple[int, int] | None = None
    reason: UnreadableReason | None = None

    def __post_init__(self) -> None:
        says_something = self.outcome is not None or self.score is not None
        if says_something == (self.reason is not None):
            raise ValueError("a verdict has an outcome or a score, or else a reason why not")

    @property
    def is_readable(self) -> bool:
        """Whether the reply holds a verdict."""
        return self.reason is None

    def in_battle_order(self, game: int) -> Self:
        """The verdict on the battle's own sides; in game 2 side b was shown first."""
        if game not in (1, 2):
            raise ValueError(f"game is {game}; it is 1 (side a shown first) or 2 (side b first)")
        if game == 1:
            return self
        return replace(
            self,
            outcome=None if self.outcome is None else self.outcome.swapped(),
            scores=None if self.scores is None else (self.scores[1], self.scores[0]),
            preference=None if self.preference is None else 3 - self.preference,
        )


class VerdictConvention(Protocol):
    """A way to read replies; options are the fields of the (dataclass) convention.

    ``modes`` says what it can be asked for, ``combination`` how two games of one pair become one
    result (a name in ``judging.combine.COMBINATIONS``, empty for single scores).
    """

    modes: ClassVar[frozenset[Mode]]
    combination: ClassVar[str]

    def parse(self, reply: JudgeReply) -> ParsedVerdict:
        """The verdict in ``reply``; unreadable ones carry a reason."""
        ...


SINGLE_ONLY = frozenset({Mode.SINGLE})
PAIRWISE_ONLY = frozenset({Mode.PAIRWISE})


@dataclass(frozen=True, slots=True)
class SingleScores:
    """What conventions for single scores share: a score lies between two ends, both included."""

    lowest: float = 1.0
    highest: float = 10.0
    modes: ClassVar[frozenset[Mode]] = SINGLE_ONLY
    combination: ClassVar[str] = ""

    def is_on_scale(self, score: float) -> bool:
        """Whether ``score`` can be meant."""
        return self.lowest <= score <= self.highest

    def scored(self, reply: JudgeReply, number: str, span: tuple[int, int]) -> ParsedVerdict:
        """The verdict of the ``number`` found in the reply."""
        score = float(number)
        if not self.is_on_scale(score):
            return unreadable(reply, UnreadableReason.OUT_OF_SCALE)
        return ParsedVerdict(score=score, span=span)


def unreadable(reply: JudgeReply, reason: UnreadableReason) -> ParsedVerdict:
    """An unreadable verdict; an empty or cut reply explains more than ``reason`` does."""
    if reason is UnreadableReason.NO_VERDICT:
        if not reply.text.strip():
            reason = UnreadableReason.EMPTY_REPLY
        elif reply.is_truncated:
            reason = UnreadableReason.TRUNCATED
    return ParsedVerdict(reason=reason)


def compare_scores(first: float, second: float, *, tie_within: float) -> Outcome:
    """The better of two scores; a tie when they differ by at most ``tie_within``.

    The difference is rounded to 9 decimals, so that 7.1 and 7.2 differ by 0.1 as written.
    """
    difference = round(first - second, 9)
    if abs(difference) <= tie_within:
        return Outcome.TIE
    return Outcome.MODEL_A if difference > 0 else Outcome.MODEL_B


def preferred(preference: float) -> Outcome:
    """The side that an AlpacaEval preference in [1, 2] leans to; 1.5 is a tie."""
    if preference == AGREEING_PREFERENCE:
        return Outcome.TIE
    return Outcome.MODEL_A if preference < AGREEING_PREFERENCE else Outcome.MODEL_B
