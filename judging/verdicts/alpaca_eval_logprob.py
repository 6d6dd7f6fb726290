"""AlpacaEval 2's soft preference from the probabilities of the first token.

The judge names the better output with one token, ``m`` for the first and ``M`` for the second:
preference = 2 - P(m) / (P(m) + P(M)), from 1 (first) to 2 (second). A token that is not among the
candidates has probability 0; when neither is, there is no verdict. Source: Dubois et al. 2024,
"Length-Controlled AlpacaEval", and its published parser.
"""

from dataclasses import dataclass
from math import exp
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


@VERDICTS.register("alpaca_eval_logprob")
@dataclass(frozen=True, slots=True)
class AlpacaEvalLogprob:
    """The balance between two tokens."""

    first_token: str = "m"
    second_token: str = "M"
    modes: ClassVar[frozenset[Mode]] = PAIRWISE_ONLY
    combination: ClassVar[str] = "alpaca_eval"

    def parse(self, reply: JudgeReply) -> ParsedVerdict:
        """Compare the two tokens' probabilities at the first position."""
        if reply.first_token_logprobs is None:
            return unreadable(reply, UnreadableReason.NO_LOGPROBS)
        first = self._probability(reply, self.first_token)
        second = self._probability(reply, self.second_token)
        if first + second == 0:
            return unreadable(reply, UnreadableReason.NO_VERDICT)
        share = first / (first + second)
        return ParsedVerdict(
            outcome=preferred(2 - share), preference=2 - share, confidence=max(share, 1 - share)
        )

    def _probability(self, reply: JudgeReply, token: str) -> float:
        logprob = (reply.first_token_logprobs or {}).get(token)
        return 0.0 if logprob is None else exp(logprob)
