"""Verdict conventions by name: how a judge's reply becomes an outcome or a score.

A convention is one module here. It reads text (or first-token probabilities) and nothing else; it
knows neither models nor games. What it cannot read it says so about: an unreadable reply is its
own result, never a tie and never a zero.
"""

from judging.verdicts.base import (
    JudgeReply,
    Mode,
    Outcome,
    ParsedVerdict,
    UnreadableReason,
    VerdictConvention,
)
from registry import Registry

VERDICTS: Registry[type[VerdictConvention]] = Registry("verdict convention", "judging.verdicts")

__all__ = [
    "VERDICTS",
    "JudgeReply",
    "Mode",
    "Outcome",
    "ParsedVerdict",
    "UnreadableReason",
    "VerdictConvention",
]
