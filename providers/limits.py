"""Limits of an endpoint: how many calls at once, how many requests and tokens per minute.

The counting behind them sits in a LimitStore so that all workers of an installation can share it.
The arithmetic is pure (``book``, ``share_slots``), so every store counts alike.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Protocol

BURST_SHARE = 1 / 20  # of a minute's allowance may go at once; the rest is spread evenly


@dataclass(frozen=True, slots=True)
class Grant:
    """``slots`` a worker may have in flight, and how long nobody may send (``paused_s``)."""

    slots: int
    paused_s: float = 0.0


class LimitStoreError(Exception):
    """A store cannot be reached; its sentence names the store and holds no password."""


class LimitStore(Protocol):
    """Counters shared by everybody who calls one endpoint; each method is one atomic step.

    ``key`` names the endpoint. Times are the store's own clock, so hosts need not agree on theirs.
    A method that cannot count raises LimitStoreError; the call is then retried like any failure.
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

        The store keeps a Claim per member, forgets those past their expiry, answers with
        ``share_slots`` and stores the larger of the answer and ``in_use`` as held, so the members
        together never exceed ``limit``. ``wanted=0, in_use=0`` removes the member.
        Called about once a second by each busy worker.
        """
        ...

    async def pause(self, key: str, seconds: float) -> None:
        """Let nobody send to ``key`` for so long (Retry-After); a longer pause stands."""
        ...


@dataclass(frozen=True, slots=True)
class Claim:
    """What a worker asked for and holds until ``expires_at`` (seconds of the store's clock)."""

    wanted: int
    held: int
    expires_at: float


def book(
    arrival: float, now: float, amount: float, *, per_minute: float, burst: float
) -> tuple[float, float]:
    """The next theoretical arrival time and the wait in seconds, after booking ``amount``.

    Generic cell rate algorithm (ITU-T I.371): a bucket of ``burst`` units refilled at
    ``per_minute``, kept as the one moment at which it will be full again. Bookings queue in order,
    so nobody polls. An amount above ``burst`` goes once all earlier ones are paid off.
    """
    seconds_per_unit = 60.0 / per_minute
    if amount < 0:
        return arrival + amount * seconds_per_unit, 0.0
    filled = max(arrival, now) + amount * seconds_per_unit
    return filled, max(0.0, filled - max(burst, amount) * seconds_per_unit - now)


def spread(allowance: float) -> tuple[float, float]:
    """``(per_minute, burst)`` of a bucket that admits ``allowance`` or less in any 60 seconds.

    A bucket of b units refilled at r per minute admits up to r + b - 1 requests in a half-open
    minute; r = allowance - (b - 1) makes that the allowance itself.
    """
    burst = max(1.0, float(int(allowance * BURST_SHARE)))
    return allowance - (burst - 1.0), burst


def share_slots(others: Sequence[Claim], *, wanted: int, limit: int) -> int:
    """How many calls a worker may have in flight beside the live claims of ``others``.

    Everyone gets what it wants while that fits. Otherwise nobody takes what another holds, and a
    holder shrinks to its fair part as its calls end, so contention levels out within a few claims
    without ever exceeding ``limit``. With more workers than slots the late ones wait at zero.
    """
    held = [claim.held for claim in others]
    unmet = sum(max(0, claim.wanted - claim.held) for claim in others)
    free = max(0, limit - sum(held))
    if unmet == 0:
        return min(wanted, free)
    fair = max(1, limit // (len(held) + 1))
    return min(wanted, free, max(fair, free - unmet))


@dataclass(slots=True)
class InProcessLimitStore:
    """Counts inside one process: for embedded installations with one worker, and for tests."""

    now: Callable[[], float] = time.monotonic
    _arrivals: dict[str, float] = field(default_factory=dict)
    _claims: dict[str, dict[str, Claim]] = field(default_factory=dict)
    _paused_until: dict[str, float] = field(default_factory=dict)
    # the web process calls from several event loops, each in a thread of its own
    _lock: Lock = field(default_factory=Lock)

    async def reserve(self, key: str, amount: float, *, per_minute: float, burst: float) -> float:
        """See LimitStore."""
        now = self.now()
        with self._lock:
            self._arrivals[key], wait_s = book(
                self._arrivals.get(key, now), now, amount, per_minute=per_minute, burst=burst
            )
        return wait_s

    async def claim_slots(
        self, key: str, member: str, *, wanted: int, in_use: int, limit: int, ttl_s: float
    ) -> Grant:
        """See LimitStore."""
        now = self.now()
        with self._lock:
            others = {
                name: claim
                for name, claim in self._claims.get(key, {}).items()
                if name != member and claim.expires_at > now
            }
            slots = share_slots(list(others.values()), wanted=wanted, limit=limit)
            self._claims[key] = others
            if wanted or in_use:
                others[member] = Claim(wanted, max(slots, in_use), now + ttl_s)
            return Grant(slots, max(0.0, self._paused_until.get(key, now) - now))

    async def pause(self, key: str, seconds: float) -> None:
        """See LimitStore."""
        with self._lock:
            until = self.now() + seconds
            self._paused_until[key] = max(until, self._paused_until.get(key, until))
