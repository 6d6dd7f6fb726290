"""What a judge run will take, before anything is sent: calls, tokens, money, time.

Pure arithmetic over counts. Token counts before sending are estimates from characters; afterwards
the endpoint's own usage is stored with each judgment.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

RunMode: TypeAlias = Literal["single", "baseline", "pairs"]

GAMES_PER_PAIR = 2
# Rules of thumb of common byte-pair vocabularies, on the safe side: English prose has 4 to 4.5
# characters per token, code fewer; Chinese has about 1.5 characters per token in current
# vocabularies and 0.8 in older ones.
_CHARACTERS_PER_TOKEN = 3.8
_TOKENS_PER_CJK_CHARACTER = 0.9
_TOKENS_PER_MESSAGE = 4  # role and separators
_CJK = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff]")

TYPICAL_VERDICT_TOKENS = 250  # a few sentences and the verdict; used until a judge has a history


@dataclass(frozen=True, slots=True)
class Prices:
    """US dollars per million tokens."""

    input_per_mtok: float
    output_per_mtok: float

    def cost(self, input_tokens: float, output_tokens: float) -> float:
        """US dollars for so many tokens."""
        total = input_tokens * self.input_per_mtok + output_tokens * self.output_per_mtok
        return total / 1_000_000

    def discounted(self, share: float) -> Prices:
        """The prices times ``share``."""
        return Prices(self.input_per_mtok * share, self.output_per_mtok * share)


@dataclass(frozen=True, slots=True)
class Throughput:
    """What bounds the speed: calls in flight, seconds per call, and the endpoint's own limits."""

    concurrency: int = 32
    latency_s: float = 5.0
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None


@dataclass(frozen=True, slots=True)
class CostEstimate:
    """Expected figures, and the most that a run can cost.

    ``money`` and ``money_at_most`` are US dollars, ``None`` when no price is known.
    ``money_at_most`` assumes that every call fills its token limit and is made a second time
    because it cannot be read. ``bottleneck`` says what bounds ``seconds``.
    """

    calls: int
    input_tokens: int
    output_tokens: int
    money: float | None
    money_at_most: float | None
    seconds: float
    bottleneck: str


def estimate_tokens(text: str) -> int:
    """Tokens in ``text``, from its characters; meant for sums, not for single texts."""
    n_cjk = len(_CJK.findall(text))
    n_other = len(text) - n_cjk
    return round(n_cjk * _TOKENS_PER_CJK_CHARACTER + n_other / _CHARACTERS_PER_TOKEN)


def estimate_prompt_tokens(messages: Iterable[str]) -> int:
    """Tokens in the texts of one call's messages."""
    return sum(estimate_tokens(text) + _TOKENS_PER_MESSAGE for text in messages)


def count_judgments(
    mode: RunMode,
    *,
    models: int,
    turns: Sequence[int],
    repeats: int = 1,
    has_both_orders: bool = True,
) -> int:
    """Judgments of a complete run; ``turns`` holds the number of judged turns per question.

    ``models`` counts those judged: in baseline mode without the baseline. Raises ValueError for an
    unknown mode.
    """
    games = GAMES_PER_PAIR if has_both_orders else 1
    comparisons = {
        "single": models,
        "baseline": models * games,
        "pairs": models * (models - 1) // 2 * games,
    }
    if mode not in comparisons:
        raise ValueError(f"mode {mode!r} is unknown; use {', '.join(comparisons)}")
    return comparisons[mode] * sum(turns) * repeats


def estimate_cost(
    input_tokens: Sequence[int],
    *,
    output_tokens_per_call: float = TYPICAL_VERDICT_TOKENS,
    max_output_tokens: int | None = None,
    prices: Prices | None = None,
    throughput: Throughput | None = None,
) -> CostEstimate:
    """Add up calls whose prompts have ``input_tokens`` each.

    ``output_tokens_per_call`` is best taken from the judge's own stored judgments.
    """
    calls, sent = len(input_tokens), sum(input_tokens)
    received = round(calls * output_tokens_per_call)
    seconds, bottleneck = _duration(calls, sent + received, throughput or Throughput())
    at_most = None
    if prices is not None and max_output_tokens is not None:
        at_most = 2 * prices.cost(sent, calls * max_output_tokens)
    return CostEstimate(
        calls=calls,
        input_tokens=sent,
        output_tokens=received,
        money=None if prices is None else prices.cost(sent, received),
        money_at_most=at_most,
        seconds=seconds,
        bottleneck=bottleneck,
    )


def _duration(calls: int, tokens: int, throughput: Throughput) -> tuple[float, str]:
    bounds = {"concurrency": -(-calls // throughput.concurrency) * throughput.latency_s}
    if throughput.requests_per_minute:
        bounds["requests_per_minute"] = calls / throughput.requests_per_minute * 60
    if throughput.tokens_per_minute:
        bounds["tokens_per_minute"] = tokens / throughput.tokens_per_minute * 60
    bottleneck = max(bounds, key=lambda name: bounds[name])
    return bounds[bottleneck], bottleneck
