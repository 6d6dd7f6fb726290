"""AlpacaEval 1's ranking: a list of two ``{"model": …, "rank": …}`` objects.

The preference is the rank of ``model_1``. Python and JSON spellings of the list are read.
Source: Li et al. 2023, "AlpacaEval", and its published parser.
"""

import ast
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
    preferred,
    unreadable,
)
from judging.verdicts.reading import without_thoughts

_FLAT_LIST = re.compile(r"\[\s*\{[^\[\]]*\}\s{0,20},?\s{0,20}\]")
_LONGEST_LIST = 2_000  # characters; a ranking of two needs about 100


@VERDICTS.register("alpaca_eval_ranking")
@dataclass(frozen=True, slots=True)
class AlpacaEvalRanking:
    """Rank 1 for the better of ``first_model`` and the other."""

    first_model: str = "model_1"
    second_model: str = "model_2"
    modes: ClassVar[frozenset[Mode]] = PAIRWISE_ONLY
    combination: ClassVar[str] = "alpaca_eval"

    def parse(self, reply: JudgeReply) -> ParsedVerdict:
        """The first list of objects decides."""
        match = _FLAT_LIST.search(without_thoughts(reply.text))
        if match is None:
            return unreadable(reply, UnreadableReason.NO_VERDICT)
        ranks = _ranks(match.group())
        pair = (ranks.get(self.first_model), ranks.get(self.second_model))
        if pair not in {(1, 2), (2, 1)}:
            return unreadable(reply, UnreadableReason.UNKNOWN_LABEL)
        preference = float(ranks[self.first_model])
        return ParsedVerdict(
            outcome=preferred(preference), preference=preference, span=match.span()
        )


def _ranks(literal: str) -> dict[str, int]:
    """Rank by model; nothing when the list is no literal or holds other things."""
    if len(literal) > _LONGEST_LIST:
        return {}
    try:
        rows = ast.literal_eval(literal)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return {}
    ranks: dict[str, int] = {}
    for row in rows:
        model, rank = (row.get("model"), row.get("rank")) if isinstance(row, dict) else (None, None)
        if isinstance(model, str) and type(rank) is int:
            ranks[model] = rank
    return ranks
