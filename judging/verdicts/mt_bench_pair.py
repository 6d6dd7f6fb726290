"""MT-Bench three-way choice: ``[[A]]``, ``[[B]]`` or ``[[C]]`` for a tie.

The published script looks for A anywhere, then for B, then for C: the order of search decides, not
the position in the text. It matches capitals only. Source: Zheng et al. 2023.
"""

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
from judging.verdicts.reading import without_thoughts

_MARKS = (
    ("[[A]]", Outcome.MODEL_A),
    ("[[B]]", Outcome.MODEL_B),
    ("[[C]]", Outcome.TIE),
)


@VERDICTS.register("mt_bench_pair")
@dataclass(frozen=True, slots=True)
class MTBenchPair:
    """The first of A, B, C that occurs at all."""

    modes: ClassVar[frozenset[Mode]] = PAIRWISE_ONLY
    combination: ClassVar[str] = "mt_bench"

    def parse(self, reply: JudgeReply) -> ParsedVerdict:
        """Search for each mark in turn."""
        text = without_thoughts(reply.text)
        for mark, outcome in _MARKS:
            start = text.find(mark)
            if start >= 0:
                return ParsedVerdict(outcome=outcome, span=(start, start + len(mark)))
        return unreadable(reply, UnreadableReason.NO_VERDICT)
