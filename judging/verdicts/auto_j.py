"""Auto-J pairwise: the last "final decision is Response 1 | Response 2 | Tie".

Source: Li et al. 2023, "Generative Judge for Evaluating Alignment", and its published parser.
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

_PHRASE = re.compile(r"final decision is\s*:?\s*", re.IGNORECASE)
_DECISION = re.compile(r"(response\s+1|response\s+2|tie)\b", re.IGNORECASE)
_OUTCOMES = {"1": Outcome.MODEL_A, "2": Outcome.MODEL_B, "e": Outcome.TIE}


@VERDICTS.register("auto_j")
@dataclass(frozen=True, slots=True)
class AutoJ:
    """What follows the last decision phrase."""

    modes: ClassVar[frozenset[Mode]] = PAIRWISE_ONLY
    combination: ClassVar[str] = "mt_bench"

    def parse(self, reply: JudgeReply) -> ParsedVerdict:
        """A last phrase without a known decision is not rescued by an earlier one."""
        phrases = list(_PHRASE.finditer(reply.text))
        if not phrases:
            return unreadable(reply, UnreadableReason.NO_VERDICT)
        match = _DECISION.match(reply.text, phrases[-1].end())
        if match is None:
            reason = UnreadableReason.UNKNOWN_LABEL
            if reply.is_truncated:
                reason = UnreadableReason.TRUNCATED
            return unreadable(reply, reason)
        return ParsedVerdict(outcome=_OUTCOMES[match[1][-1].lower()], span=match.span())
