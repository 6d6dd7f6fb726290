"""Arena-Hard five levels: ``[[A>>B]]``, ``[[A>B]]``, ``[[A=B]]``, ``[[B>A]]``, ``[[B>>A]]``.

The last match in the upper-cased text decides, double brackets before single ones; the mirrored
spellings (``A<B``…) count too. A strong verdict has strength 3, the weight that Arena-Hard gives
it (a free choice of its authors). Source: Li et al. 2024, "From Crowdsourced Data to High-Quality
Benchmarks: Arena-Hard and BenchBuilder Pipeline", and its published script.
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
from judging.verdicts.reading import without_thoughts

WEAK = 1
STRONG = 3

LEVELS: dict[str, tuple[Outcome, int]] = {
    "A>>B": (Outcome.MODEL_A, STRONG),
    "B<<A": (Outcome.MODEL_A, STRONG),
    "A>B": (Outcome.MODEL_A, WEAK),
    "B<A": (Outcome.MODEL_A, WEAK),
    "A=B": (Outcome.TIE, WEAK),
    "B=A": (Outcome.TIE, WEAK),
    "B>A": (Outcome.MODEL_B, WEAK),
    "A<B": (Outcome.MODEL_B, WEAK),
    "B>>A": (Outcome.MODEL_B, STRONG),
    "A<<B": (Outcome.MODEL_B, STRONG),
}
_BRACKETED = (
    re.compile(r"\[\[([AB<>=]+)\]\]", re.IGNORECASE),
    re.compile(r"\[([AB<>=]+)\]", re.IGNORECASE),
)


@VERDICTS.register("arena_hard")
@dataclass(frozen=True, slots=True)
class ArenaHard:
    """The last bracketed label."""

    modes: ClassVar[frozenset[Mode]] = PAIRWISE_ONLY
    combination: ClassVar[str] = "arena_hard"

    def parse(self, reply: JudgeReply) -> ParsedVerdict:
        """A last label that is none of the five levels makes the reply unreadable."""
        text = without_thoughts(reply.text)
        for pattern in _BRACKETED:
            matches = list(pattern.finditer(text))
            if matches:
                return self._level(reply, matches[-1])
        return unreadable(reply, UnreadableReason.NO_VERDICT)

    def _level(self, reply: JudgeReply, match: re.Match[str]) -> ParsedVerdict:
        level = LEVELS.get(match[1].upper())
        if level is None:
            return unreadable(reply, UnreadableReason.UNKNOWN_LABEL)
        outcome, strength = level
        return ParsedVerdict(outcome=outcome, strength=strength, span=match.span())
