"""MT-Bench single score: the first ``[[number]]``, else the first ``[number]``.

Source: Zheng et al. 2023, "Judging LLM-as-a-Judge with MT-Bench and Chatbot Arena", and the
behaviour of its published script. We differ in three ways, each of which turns a wrong score into
an unreadable one: numbers in code (``x[100]``, a quoted matrix) are no verdict, numbers off the
scale are none either, and nothing is stored as -1.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from judging.verdicts import VERDICTS
from judging.verdicts.base import (
    JudgeReply,
    ParsedVerdict,
    SingleScores,
    UnreadableReason,
    unreadable,
)
from judging.verdicts.reading import without_code, without_thoughts

# An index or a call stands before the bracket: x[7], f()[7], m[1][7], np.array([[7]]).
_NOT_INDEXED = r"(?<![\w\])'\"])(?<!\w\()"
_DOUBLE = re.compile(_NOT_INDEXED + r"\[\[(\d+(?:\.\d*)?)\]\](?!\])")
# [1](…) is a link and [1]: http… its target.
_SINGLE = re.compile(_NOT_INDEXED + r"(?<!\[)\[(\d+(?:\.\d*)?)\](?![\[\](]|:\s*http)")
_ASSIGNED = re.compile(r"(\w+)\s*=\s*\Z")
_LABEL = re.compile(r"(?:final\s+)?(?:rating|score|verdict|评分|得分|分数|打分)", re.IGNORECASE)
_LONGEST_LABEL = 80  # characters looked at on either side, so that long lines cost no more
_DECORATION = " \t*_`#>:：=-~("


@VERDICTS.register("mt_bench_single")
@dataclass(frozen=True, slots=True)
class MTBenchSingle(SingleScores):
    """The first bracketed number."""

    def parse(self, reply: JudgeReply) -> ParsedVerdict:
        """The first double-bracketed number decides; single brackets count when on the scale."""
        text = without_thoughts(reply.text)
        prose = without_code(text)
        decisive = next(_numbers(_DOUBLE, prose), None) or _sole_number_in_code(text)
        if decisive is not None:
            return self.scored(reply, decisive[1], decisive.span())
        candidates = list(_numbers(_SINGLE, prose))
        for match in candidates:
            if self.is_on_scale(float(match[1])):
                return self.scored(reply, match[1], match.span())
        reason = UnreadableReason.OUT_OF_SCALE if candidates else UnreadableReason.NO_VERDICT
        return unreadable(reply, reason)


def _numbers(pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    for match in pattern.finditer(text):
        assigned = _ASSIGNED.search(_line_before(match))
        if assigned is None or _LABEL.fullmatch(assigned[1]):
            yield match


def _sole_number_in_code(text: str) -> re.Match[str] | None:
    """A verdict that the judge put between back-ticks: alone on its line but for a label."""
    for match in _DOUBLE.finditer(text):
        before = _line_before(match).strip(_DECORATION)
        after = _line_after(match).strip(_DECORATION + ".。)")
        if not after and (not before or _LABEL.fullmatch(before)):
            return match
    return None


def _line_before(match: re.Match[str]) -> str:
    start = max(0, match.start() - _LONGEST_LABEL)
    return match.string[start : match.start()].rpartition("\n")[2]


def _line_after(match: re.Match[str]) -> str:
    return match.string[match.end() : match.end() + _LONGEST_LABEL].partition("\n")[0]
