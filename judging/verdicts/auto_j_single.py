"""Auto-J single: the last "Rating: [[n]]" after the critique.

Source: Li et al. 2023, "Generative Judge for Evaluating Alignment"; its parser gives 0 when there
is none, which here is unreadable.
"""

import re
from dataclasses import dataclass

from judging.verdicts import VERDICTS
from judging.verdicts.base import (
    JudgeReply,
    ParsedVerdict,
    SingleScores,
    UnreadableReason,
    unreadable,
)

_RATING = re.compile(r"Rating:\s*\[\[\s*(\d+(?:\.\d*)?)\s*\]\]", re.IGNORECASE)


@VERDICTS.register("auto_j_single")
@dataclass(frozen=True, slots=True)
class AutoJSingle(SingleScores):
    """The number of the last rating."""

    def parse(self, reply: JudgeReply) -> ParsedVerdict:
        """The last rating decides."""
        matches = list(_RATING.finditer(reply.text))
        if not matches:
            return unreadable(reply, UnreadableReason.NO_VERDICT)
        return self.scored(reply, matches[-1][1], matches[-1].span())
