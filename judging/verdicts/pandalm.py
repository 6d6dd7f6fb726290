"""PandaLM: the first line is ``1``, ``2`` or ``Tie``; a reason and a reference follow.

Source: Wang et al. 2023, "PandaLM". Its own parser reads everything else as a tie; here that is
unreadable.
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

_FIRST_LINE = re.compile(r"\A\s*(1|2|tie)[ \t.]*(?:\r?\n|\Z)", re.IGNORECASE)
_OUTCOMES = {"1": Outcome.MODEL_A, "2": Outcome.MODEL_B, "tie": Outcome.TIE}


@VERDICTS.register("pandalm")
@dataclass(frozen=True, slots=True)
class PandaLM:
    """The label that stands alone on the first line."""

    modes: ClassVar[frozenset[Mode]] = PAIRWISE_ONLY
    combination: ClassVar[str] = "mt_bench"

    def parse(self, reply: JudgeReply) -> ParsedVerdict:
        """Only the first non-blank line is looked at."""
        match = _FIRST_LINE.match(reply.text)
        if match is None:
            return unreadable(reply, UnreadableReason.NO_VERDICT)
        return ParsedVerdict(outcome=_OUTCOMES[match[1].lower()], span=match.span(1))
