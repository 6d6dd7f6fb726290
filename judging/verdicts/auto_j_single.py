"""Auto-J single: the last "Rating: [[n]]" after the critique.

Source: Li et al. 2023, "Generative Judge for Evaluating Alignment"; its parser gives 0 when there
is none, which here is unreadable.
"""

import re
from dataclasses import dataclass
from typing import ClassVar

from judging.verdicts import VERDICTS
from judging.verdicts.base import (
    SINGLE_ONLY,
    JudgeReply,
    Mode,
    ParsedVerdict,
    UnreadableReason,
    unreadable,
)

_RATING = re.compile(r"Rating:\s*\[\[\s*(\d+(?:\.\d*)?)\s*\]\]", re.IGNORECASE)


@VERDICTS.register("auto_j_single")
@dataclass(frozen=True, slots=True)
class AutoJSingle:
    """A score between ``lowest`` and ``highest``, both included."""

    lowest: float = 1.0
    highest: float = 10.0
    modes: ClassVar[frozenset[Mode]] = SINGLE_ONLY
    combination: ClassVar[str] = ""

    def parse(self, reply: JudgeReply) -> ParsedVerdict:
        """The last rating decides."""
        matches = list(_RATING.finditer(reply.text))
        if not matches:
            return unreadable(reply, UnreadableReason.NO_VERDICT)
        score = float(matches[-1][1])
        if not self.lowest <= score <= self.highest:
            return unreadable(reply, UnreadableReason.OUT_OF_SCALE)
        return ParsedVerdict(score=score, span=matches[-1].span())
