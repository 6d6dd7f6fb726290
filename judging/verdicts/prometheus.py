"""Prometheus-2 relative grading: feedback, then ``[RESULT] A`` or ``[RESULT] B``.

It knows no tie. Source: Kim et al. 2024, "Prometheus 2".
"""

import re
from dataclasses import dataclass
from typing import ClassVar

from judging.verdicts import VERDICTS
from judging.verdicts.base import (
    PAIRWISE_ONLY,
    JudgeReply,
    Mode,
    Outcome,
    ParsedVerdict,
    UnreadableReason,
    unreadable,
)

RESULT_MARK = re.compile(r"\[RESULT\][\s:*(\[]*(?:response\s+)?", re.IGNORECASE)
_LABEL = re.compile(r"([AB])(?!\w)", re.IGNORECASE)


@VERDICTS.register("prometheus")
@dataclass(frozen=True, slots=True)
class Prometheus:
    """The letter after the last result mark."""

    modes: ClassVar[frozenset[Mode]] = PAIRWISE_ONLY
    combination: ClassVar[str] = "mt_bench"

    def parse(self, reply: JudgeReply) -> ParsedVerdict:
        """Anything but A or B after the last mark is unreadable."""
        marks = list(RESULT_MARK.finditer(reply.text))
        if not marks:
            return unreadable(reply, UnreadableReason.NO_VERDICT)
        match = _LABEL.match(reply.text, marks[-1].end())
        if match is None:
            is_cut = reply.is_truncated or not reply.text[marks[-1].end() :].strip()
            return unreadable(
                reply, UnreadableReason.TRUNCATED if is_cut else UnreadableReason.UNKNOWN_LABEL
            )
        outcome = Outcome.MODEL_A if match[1].upper() == "A" else Outcome.MODEL_B
        return ParsedVerdict(outcome=outcome, span=(marks[-1].start(), match.end()))
