"""Limits of an endpoint: how many calls at once, how many requests and tokens per minute.

The counting behind them sits in a LimitStore so that all workers of an installation can share it.
"""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Grant:
    """``slots`` a worker may have in flight, and how long nobody may send (``paused_s``)."""

    slots: int
    paused_s: float = 0.0


class LimitStore(Protocol):
    """Counters shared by everybody who calls one endpoint; each method is one atomic step.

    ``key`` names the endpoint. Times are the store's own clock, so hosts need not agree on theirs.
    """

    async def reserve(self, key: str, amount: float, *, per_minute: float, burst: float) -> float:
        """Book ``amount`` units from the bucket ``key``; return the seconds to wait before use.

        One number per key is enough: the theoretical arrival time (see ``book``). A negative
        amount gives units back; its answer means nothing.
        """
        ...

    async def claim_slots(
        self, key: str, member: str, *, wanted: int, in_use: int, limit: int, ttl_s: float
    ) -> Grant:
        """Tell that ``member`` wants ``wanted`` calls in flight and has ``in_use``; get its share.

        The store keeps (wanted, granted, expiry) per member, forgets members past their expiry,
        and answers with ``share_slots``: the grants of all members never exceed ``limit``.
        ``wanted=0, in_use=0`` removes the member.
        """
        ...

    async def pause(self, key: str, seconds: float) -> None:
        """Let nobody send to ``key`` for so long (Retry-After); a longer pause stands."""
        ...
