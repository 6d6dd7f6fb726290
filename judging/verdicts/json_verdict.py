"""A JSON object: ``{"verdict": "A>B", "confidence": 0.8}`` or ``{"score": 8}``.

For endpoints that can be held to a schema. The last complete object that carries one of the known
keys decides, so an example that the judge quotes first does no harm. Labels: the five Arena-Hard
levels, ``A``, ``B``, ``C`` or ``tie``, and the words of our battles.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from judging.verdicts import VERDICTS
from judging.verdicts.arena_hard import LEVELS
from judging.verdicts.base import (
    JudgeReply,
    Mode,
    Outcome,
    ParsedVerdict,
    UnreadableReason,
    unreadable,
)
from judging.verdicts.reading import without_thoughts

SCORE_KEYS = ("score", "rating")
VERDICT_KEYS = ("verdict", "winner", "outcome")
_WORDS: dict[str, Outcome] = {
    "A": Outcome.MODEL_A,
    "B": Outcome.MODEL_B,
    "C": Outcome.TIE,
    "TIE": Outcome.TIE,
    "MODEL_A": Outcome.MODEL_A,
    "MODEL_B": Outcome.MODEL_B,
    "BOTH_BAD": Outcome.BOTH_BAD,
}

_OBJECT_START = re.compile(r"\{\s{0,50}[\"}]")
_LONGEST_ENDING = 20_000  # characters searched from the end; every brace is a place to start

# Any: the objects are whatever JSON the judge wrote; each value is checked where it is read.
JsonObject = dict[str, Any]


@VERDICTS.register("json_verdict")
@dataclass(frozen=True, slots=True)
class JsonVerdict:
    """A score between ``lowest`` and ``highest``, or a choice."""

    lowest: float = 1.0
    highest: float = 10.0
    modes: ClassVar[frozenset[Mode]] = frozenset(Mode)
    combination: ClassVar[str] = "evalscope"

    def parse(self, reply: JudgeReply) -> ParsedVerdict:
        """The last object with a known key; a wrong value in it makes the reply unreadable."""
        text = without_thoughts(reply.text)
        found = [
            (value, span)
            for value, span in _objects(text)
            if any(key in value for key in (*SCORE_KEYS, *VERDICT_KEYS))
        ]
        if found:
            return self._read(reply, *found[-1])
        has_brace = "{" in text and not reply.is_truncated
        return unreadable(
            reply, UnreadableReason.MALFORMED_JSON if has_brace else UnreadableReason.NO_VERDICT
        )

    def _read(self, reply: JudgeReply, value: JsonObject, span: tuple[int, int]) -> ParsedVerdict:
        outcome, strength = _choice(value)
        score = _number(_first(value, SCORE_KEYS))
        if outcome is None and score is None:
            return unreadable(reply, UnreadableReason.UNKNOWN_LABEL)
        if score is not None and not self.lowest <= score <= self.highest:
            return unreadable(reply, UnreadableReason.OUT_OF_SCALE)
        confidence = _number(value.get("confidence"))
        if confidence is not None and not 0 <= confidence <= 1:
            confidence = None
        return ParsedVerdict(
            outcome=outcome, strength=strength, score=score, confidence=confidence, span=span
        )


def _objects(text: str) -> Iterator[tuple[JsonObject, tuple[int, int]]]:
    decoder = json.JSONDecoder()
    start = _OBJECT_START.search(text, max(0, len(text) - _LONGEST_ENDING))
    while start is not None:
        try:
            value, end = decoder.raw_decode(text, start.start())
        except (ValueError, RecursionError):  # ValueError also for integers of 4,300 digits
            end = start.start() + 1
        else:
            yield value, (start.start(), end)
        start = _OBJECT_START.search(text, end)


def _first(value: JsonObject, keys: tuple[str, ...]) -> object:
    return next((value[key] for key in keys if key in value), None)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value)


def _choice(value: JsonObject) -> tuple[Outcome | None, int | None]:
    label = _first(value, VERDICT_KEYS)
    if not isinstance(label, str):
        return None, None
    label = label.strip().strip("[]").upper().replace(" ", "")
    if label in LEVELS:
        return LEVELS[label]
    return _WORDS.get(label), None
