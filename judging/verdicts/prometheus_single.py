"""Prometheus-2 direct assessment: feedback, then ``[RESULT] n`` on a scale from 1 to 5.

Source: Kim et al. 2024, "Prometheus 2".
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
from judging.verdicts.prometheus import RESULT_MARK

_NUMBER = re.compile(r"(\d+(?:\.\d+)?)(?![\w.]*\d)")


@VERDICTS.register("prometheus_single")
@dataclass(frozen=True, slots=True)
class PrometheusSingle(SingleScores):
    """The number after the last result mark."""

    highest: float = 5.0

    def parse(self, reply: JudgeReply) -> ParsedVerdict:
        """The number after the last result mark."""
        marks = list(RESULT_MARK.finditer(reply.text))
        match = _NUMBER.match(reply.text, marks[-1].end()) if marks else None
        if match is None:
            return unreadable(reply, UnreadableReason.NO_VERDICT)
        return self.scored(reply, match[1], (marks[-1].start(), match.end()))
