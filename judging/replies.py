"""Replies that need not be paid for again, and what the others cost.

A request's key covers everything that is sent and to whom. Replies that this process has received
are kept for a while; those of earlier judgments are found in their rows by ``cache_key``. Equal
requests in flight at once share one call.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256

from judging.cost import Prices
from judging.judges.base import JudgeRequest
from providers.base import Completion

KEPT_REPLIES = 4_096
UNREADABLE_TRIES = 2  # a reply that cannot be read is asked for once more

Call = Callable[[], Awaitable[Completion]]


def request_key(identity: str, request: JudgeRequest, *, repeat: int, attempt: int = 0) -> str:
    """Names a request to the model ``identity``; a repeat or a retry is asked anew on purpose."""
    parts = (identity, request.fingerprint, str(repeat), str(attempt))
    return sha256("\0".join(parts).encode()).hexdigest()


def judgment_key(keys: Sequence[str]) -> str:
    """Names all requests of one judgment; empty for an offline judge."""
    if not keys:
        return ""
    return keys[0] if len(keys) == 1 else sha256("\0".join(keys).encode()).hexdigest()


@dataclass(slots=True)
class Share:
    """What one of several models has cost; ``usd`` is None when its price is not known."""

    calls: int = 0
    usd: float | None = 0.0
    input_tokens: int = 0
    output_tokens: int = 0

    def add(self, completion: Completion, usd: float | None) -> None:
        """Count a paid call."""
        self.calls += 1
        self.usd = None if self.usd is None or usd is None else self.usd + usd
        self.input_tokens += completion.input_tokens or 0
        self.output_tokens += completion.output_tokens or 0


@dataclass(slots=True)
class Receipt:
    """What one judgment has cost so far; ``cost_usd`` is None when a price is not known.

    ``by_model`` splits it where a judge asks several models, by their slugs. ``keys`` name the
    requests that were answered at the first try, which need not be those that were planned: an
    endpoint may have refused these; ``bought`` those that this judgment has paid for.
    """

    row: int = 0
    paid: list[Completion] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    bought: set[str] = field(default_factory=set)
    reused: int = 0
    cost_usd: float | None = 0.0
    by_model: dict[str, Share] = field(default_factory=dict)

    def add(self, completion: Completion, prices: Prices | None, model: str = "") -> None:
        """Count a paid call; ``model`` is empty for a judge that asks only one."""
        self.paid.append(completion)
        sent, received = completion.input_tokens, completion.output_tokens
        usd = None
        if prices is not None and sent is not None and received is not None:
            usd = prices.cost(sent, received)
        self.cost_usd = None if self.cost_usd is None or usd is None else self.cost_usd + usd
        if model:
            self.by_model.setdefault(model, Share()).add(completion, usd)

    @property
    def input_tokens(self) -> int | None:
        """Tokens sent in paid calls; None when no endpoint counted them."""
        return _sum(completion.input_tokens for completion in self.paid)

    @property
    def output_tokens(self) -> int | None:
        """Tokens received in paid calls; None when no endpoint counted them."""
        return _sum(completion.output_tokens for completion in self.paid)

    @property
    def latency_s(self) -> float | None:
        """Seconds in paid calls; None when there was none, or when they came in a batch."""
        return sum(completion.latency_s for completion in self.paid) or None


def _sum(counts: Iterable[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


@dataclass(slots=True)
class ReplyBook:
    """Known replies by request key, and calls in flight."""

    known: dict[str, Completion] = field(default_factory=dict)
    in_flight: dict[str, asyncio.Future[None]] = field(default_factory=dict)

    def remember(self, key: str, completion: Completion) -> None:
        """Keep a reply; the oldest one goes when there are too many."""
        self.known[key] = completion
        if len(self.known) > KEPT_REPLIES:
            del self.known[next(iter(self.known))]

    async def get(
        self, key: str, call: Call, *, receipt: Receipt, prices: Prices | None, model: str = ""
    ) -> Completion:
        """The reply to a request: known, or on its way, or paid for now."""
        while True:
            if key in self.known:
                receipt.reused += key not in receipt.bought
                return replace(self.known[key], attempts=0)
            if key not in self.in_flight:
                return await self._pay(key, call, receipt, prices, model)
            # whoever is first may fail or be cancelled: then the next one asks
            await asyncio.wait([self.in_flight[key]])

    async def _pay(
        self, key: str, call: Call, receipt: Receipt, prices: Prices | None, model: str
    ) -> Completion:
        ended = self.in_flight[key] = asyncio.get_running_loop().create_future()
        try:
            completion = await call()
            receipt.add(completion, prices, model)
            receipt.bought.add(key)
            self.remember(key, completion)
            return completion
        finally:
            del self.in_flight[key]
            ended.set_result(None)
