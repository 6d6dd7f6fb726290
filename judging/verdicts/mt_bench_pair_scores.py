"""MT-Bench pair of scores: ``[[a, b]]``, else ``[a, b]``; a tie when they differ by at most 0.1.

Source: Zheng et al. 2023 and its published script. Scores off the scale are unreadable here.
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
from judging.verdicts.reading import without_code, without_thoughts

_NUMBERS = r"(\d+(?:\.\d*)?)\s*[,，]\s*(\d+(?:\.\d*)?)"
_DOUBLE = re.compile(rf"\[\[\s*{_NUMBERS}\s*\]\]")
_SINGLE = re.compile(rf"(?<![\w\])\[])\[\s*{_NUMBERS}\s*\](?!\])")


@VERDICTS.register("mt_bench_pair_scores")
@dataclass(frozen=True, slots=True)
class MTBenchPairScores:
    """Two scores between ``lowest`` and ``highest``, equal when within ``tie_within``."""

    lowest: float = 1.0
    highest: float = 10.0
    tie_within: float = 0.1
    modes: ClassVar[frozenset[Mode]] = PAIRWISE_ONLY
    combination: ClassVar[str] = "mt_bench"

    def parse(self, reply: JudgeReply) -> ParsedVerdict:
        """The first pair of numbers decides."""
        text = without_code(without_thoughts(reply.text))
        match = _DOUBLE.search(text) or _SINGLE.search(text)
        if match is None:
            return unreadable(reply, UnreadableReason.NO_VERDICT)
        first, second = float(match[1]), float(match[2])
        if not all(self.lowest <= score <= self.highest for score in (first, second)):
            return unreadable(reply, UnreadableReason.OUT_OF_SCALE)
        return ParsedVerdict(
            outcome=compare_scores(first, second, tie_within=self.tie_within),
            scores=(first, second),
            span=match.span(),
        )
