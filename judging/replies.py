"""Replies that need not be paid for again.

A request's key covers everything that is sent and to whom. Replies that this process has received
are kept for a while; those of earlier judgments are found in their rows by ``cache_key``. Equal
requests in flight at once share one call.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256

from judging.cost import Prices
from judging.judges.base import JudgeRequest
from judging.receipt import Receipt
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
            receipt.bought[key] = completion
            self.remember(key, completion)
            return completion
        finally:
            del self.in_flight[key]
            ended.set_result(None)
