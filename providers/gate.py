"""The gate in front of an endpoint: every call passes it, and is told when it may be sent."""

import asyncio
import contextlib
import uuid
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from providers.base import FailureKind, ProviderError
from providers.limits import LimitStore, LimitStoreError, spread
from providers.timing import Timing

CLAIM_EVERY_S = 1.0
CLAIM_LIVES_S = 5.0  # a killed worker's slots come back after this
OVERLOAD = frozenset({FailureKind.RATE_LIMITED, FailureKind.SERVER_ERROR, FailureKind.TIMED_OUT})


def _uncountable(error: BaseException) -> ProviderError:
    return ProviderError(
        FailureKind.CONNECTION_FAILED,
        f"the counters of the endpoint's limits cannot be reached: {error}",
    )


@dataclass(slots=True)
class AdaptiveConcurrency:
    """Additive increase, multiplicative decrease between 1 and ``maximum`` (Chiu & Jain, 1989).

    It starts at the maximum, which the owner configured on purpose. One signal of overload halves
    it; calls that were already in flight then say nothing new and are not counted again.
    """

    maximum: int
    level: float = 0.0
    _halved_at: float = float("-inf")

    def __post_init__(self) -> None:
        self.level = float(self.maximum)

    @property
    def limit(self) -> int:
        """Calls allowed in flight now."""
        return int(self.level)

    def succeeded(self) -> None:
        """One more call in flight per round of successes."""
        self.level = min(float(self.maximum), self.level + 1 / self.level)

    def overloaded(self, *, began_at: float, now: float) -> None:
        """A call begun at ``began_at`` was turned away or timed out."""
        if began_at >= self._halved_at:
            self.level = max(1.0, self.level / 2)
            self._halved_at = now


class Pass:
    """Leave to send one request, with the tokens booked for it."""

    __slots__ = ("began_at", "booked_tokens", "used_tokens")

    def __init__(self, booked_tokens: float) -> None:
        self.began_at = 0.0
        self.booked_tokens = booked_tokens
        self.used_tokens: float | None = None


class EndpointGate:
    """Holds one worker's calls to an endpoint within its share of the endpoint's limits.

    A call waits for a place among the calls in flight (adaptive, and within the share that the
    LimitStore grants this worker), then for its turn in the buckets of requests and tokens per
    minute, then for the end of a pause asked for by Retry-After. First come, first served.
    """

    def __init__(
        self,
        key: str,
        *,
        store: LimitStore,
        timing: Timing,
        max_concurrency: int,
        requests_per_minute: float | None = None,
        tokens_per_minute: float | None = None,
        longest_pause_s: float = 60.0,
    ) -> None:
        self.key = key
        self.concurrency = AdaptiveConcurrency(max_concurrency)
        self.in_flight = 0
        self._store = store
        self._timing = timing
        self._requests_per_minute = requests_per_minute
        self._tokens_per_minute = tokens_per_minute
        self._longest_pause_s = longest_pause_s
        self._paused_until = 0.0
        self._granted = 0
        self._wanted = 0
        self._claim_now = asyncio.Event()
        self._member = uuid.uuid4().hex
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._claiming: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def entered(self, tokens: float) -> AsyncIterator[Pass]:
        """Wait until a request of about ``tokens`` tokens may be sent; hold its place meanwhile."""
        await self._take_place()
        try:
            granted = Pass(tokens)
            await self._wait_for_turn(tokens)
            granted.began_at = self._timing.now()
            try:
                yield granted
            finally:
                await self._settle_tokens(granted)
        finally:
            self.in_flight -= 1
            self._admit_waiting()

    def succeeded(self) -> None:
        """A reply came: there may be room for more."""
        self.concurrency.succeeded()

    async def failed(self, error: ProviderError, began_at: float) -> None:
        """Slow down when the endpoint shows that it has too much."""
        now = self._timing.now()
        if error.kind in OVERLOAD:
            self.concurrency.overloaded(began_at=began_at, now=now)
        if error.kind is FailureKind.RATE_LIMITED and error.retry_after_s:
            self._paused_until = max(self._paused_until, now + error.retry_after_s)
            # this worker pauses in any case; telling the others must not hide the failure itself
            with contextlib.suppress(LimitStoreError):
                await self._store.pause(self.key, error.retry_after_s)

    async def aclose(self) -> None:
        """Give the slots back to the other workers."""
        claiming, self._claiming = self._claiming, None
        if claiming is None:
            return
        claiming.cancel()
        await asyncio.wait([claiming])
        # an unreachable store forgets the claim by itself
        with contextlib.suppress(LimitStoreError):
            await self._claim(wanted=0)

    @property
    def _limit(self) -> int:
        return min(self.concurrency.limit, self._granted)

    async def _take_place(self) -> None:
        if self._claiming is None:
            self._claiming = asyncio.create_task(self._keep_claiming())
            self._claiming.add_done_callback(self._turn_away_waiting)
        if self.in_flight < self._limit and not self._waiting:
            self.in_flight += 1
            return
        if self._granted >= self._wanted:
            self._claim_now.set()
        place = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.cancelled():
                # when many leave at once, the first to go has passed over this place already
                with contextlib.suppress(ValueError):
                    self._waiting.remove(place)
            else:
                self.in_flight -= 1
                self._admit_waiting()
            raise

    def _admit_waiting(self) -> None:
        while self._waiting and self.in_flight < self._limit:
            place = self._waiting.popleft()
            if not place.done():
                self.in_flight += 1
                place.set_result(None)

    async def _wait_for_turn(self, tokens: float) -> None:
        requests_wait_s = await self._reserve("requests", 1, self._requests_per_minute)
        tokens_wait_s = await self._reserve("tokens", tokens, self._tokens_per_minute)
        wait_s = max(requests_wait_s, tokens_wait_s)
        try:
            if wait_s > 0:
                await self._timing.sleep(wait_s)
            await self._wait_out_pause()
        except (asyncio.CancelledError, ProviderError):
            await self._reserve("requests", -1, self._requests_per_minute)
            await self._reserve("tokens", -tokens, self._tokens_per_minute)
            raise

    async def _wait_out_pause(self) -> None:
        while (wait_s := self._paused_until - self._timing.now()) > 0:
            if wait_s > self._longest_pause_s:
                raise ProviderError(
                    FailureKind.RATE_LIMITED,
                    f"the endpoint asked everybody to wait; {wait_s:.0f} s of it are left",
                    retry_after_s=wait_s,
                )
            # all who waited would return in one instant: spread them over a tenth of the pause
            await self._timing.sleep(wait_s * (1 + self._timing.random() / 10))

    async def _reserve(self, unit: str, amount: float, per_minute: float | None) -> float:
        if per_minute is None or amount == 0:
            return 0.0
        rate, burst = spread(per_minute)
        key = f"{self.key}:{unit}"
        try:
            return await self._store.reserve(key, amount, per_minute=rate, burst=burst)
        except LimitStoreError as error:
            raise _uncountable(error) from error

    async def _settle_tokens(self, granted: Pass) -> None:
        if granted.used_tokens is None:
            return
        # a paid reply must not be lost because its count could not be corrected
        with contextlib.suppress(ProviderError):
            difference = granted.used_tokens - granted.booked_tokens
            await self._reserve("tokens", difference, self._tokens_per_minute)

    async def _keep_claiming(self) -> None:
        """Renew the claim while there are calls, in real time: other workers' clocks run in it.

        A call that has to wait although the last claim was met in full wakes it at once.
        """
        while True:
            self._claim_now.clear()
            demand = self.in_flight + len(self._waiting)
            await self._claim(wanted=min(2 * demand, self.concurrency.maximum))
            self._admit_waiting()
            if demand:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._claim_now.wait(), CLAIM_EVERY_S)
            elif not self._waiting:
                self._claiming = None
                return

    async def _claim(self, *, wanted: int) -> None:
        grant = await self._store.claim_slots(
            self.key,
            self._member,
            wanted=wanted,
            in_use=self.in_flight,
            limit=self.concurrency.maximum,
            ttl_s=CLAIM_LIVES_S,
        )
        self._wanted, self._granted = wanted, grant.slots
        if grant.paused_s:
            self._paused_until = max(self._paused_until, self._timing.now() + grant.paused_s)

    def _turn_away_waiting(self, claiming: asyncio.Task[None]) -> None:
        """Without a claim nobody would ever be admitted: fail the calls rather than hang them."""
        error = None if claiming.cancelled() else claiming.exception()
        if error is None:
            return
        self._claiming = None
        self._granted = 0
        while self._waiting:
            place = self._waiting.popleft()
            if not place.done():
                place.set_exception(_uncountable(error))
