"""Prometheus-2 direct assessment: feedback, then ``[RESULT] n`` on a scale from 1 to 5.

Source: Kim et al. 2024, "Prometheus 2".
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
from judging.verdicts.prometheus import RESULT_MARK

_NUMBER = re.compile(r"(\d+(?:\.\d+)?)(?![\w.]*\d)")


@VERDICTS.register("prometheus_single")
@dataclass(frozen=True, slots=True)
class PrometheusSingle:
    """A score between ``lowest`` and ``highest``, both included."""

    lowest: float = 1.0
    highest: float = 5.0
    modes: ClassVar[frozenset[Mode]] = SINGLE_ONLY
    combination: ClassVar[str] = ""

    def parse(self, reply: JudgeReply) -> ParsedVerdict:
        """The number after the last result mark."""
        marks = list(RESULT_MARK.finditer(reply.text))
        match = _NUMBER.match(reply.text, marks[-1].end()) if marks else None
        if match is None:
            return unreadable(reply, UnreadableReason.NO_VERDICT)
        score = float(match[1])
        if not self.lowest <= score <= self.highest:
            return unreadable(reply, UnreadableReason.OUT_OF_SCALE)
        return ParsedVerdict(score=score, span=(marks[-1].start(), match.end()))
