"""llmuses' two scores: the first line holds two numbers, for the first and the second answer.

Source: the behaviour of llmuses' default parser (file-format notes of the field), which follows
Vicuna's original review prompt. Equal scores are a tie; a line with other words is unreadable.
"""

import re
from dataclasses import dataclass
from typing import ClassVar

from judging.verdicts import VERDICTS
from judging.verdicts.base import (
    PAIRWISE_ONLY,
    JudgeReply,
    Mode,
    ParsedVerdict,
    UnreadableReason,
    compare_scores,
    unreadable,
)
from judging.verdicts.reading import without_thoughts

_FIRST_LINE = re.compile(r"\s*(\d+(?:\.\d*)?)[ \t,，]+(\d+(?:\.\d*)?)[ \t]*(?:\r?\n|\Z)")


@VERDICTS.register("llmuses_two_floats")
@dataclass(frozen=True, slots=True)
class LlmusesTwoFloats:
    """Two scores between ``lowest`` and ``highest``."""

    lowest: float = 1.0
    highest: float = 10.0
    modes: ClassVar[frozenset[Mode]] = PAIRWISE_ONLY
    combination: ClassVar[str] = "mt_bench"

    def parse(self, reply: JudgeReply) -> ParsedVerdict:
        """Only the first non-blank line is looked at."""
        match = _FIRST_LINE.match(without_thoughts(reply.text))
        if match is None:
            return unreadable(reply, UnreadableReason.NO_VERDICT)
        first, second = float(match[1]), float(match[2])
        if not all(self.lowest <= score <= self.highest for score in (first, second)):
            return unreadable(reply, UnreadableReason.OUT_OF_SCALE)
        return ParsedVerdict(
            outcome=compare_scores(first, second, tie_within=0.0),
            scores=(first, second),
            span=(match.start(1), match.end(2)),
        )
