import asyncio

import pytest

from providers import FailureKind, ProviderError
from providers.gate import AdaptiveConcurrency, EndpointGate
from providers.limits import InProcessLimitStore, LimitStoreError
from providers.timing import Timing


@pytest.fixture
async def gate_of(clock):
    gates = []

    def make(store=None, **options):
        options = {"timing": clock.timing, "max_concurrency": 4} | options
        gates.append(EndpointGate("k", store=store or InProcessLimitStore(), **options))
        return gates[-1]

    yield make
    for gate in gates:
        await gate.aclose()


class Visitors:
    """Calls that stay inside until let out, counted."""

    def __init__(self, gate):
        self.gate = gate
        self.inside = 0
        self.most_inside = 0
        self.leaving = asyncio.Event()

    async def visit(self):
        async with self.gate.entered(0):
            self.inside += 1
            self.most_inside = max(self.most_inside, self.inside)
            await self.leaving.wait()
            self.inside -= 1

    async def send(self, count):
        tasks = [asyncio.create_task(self.visit()) for _ in range(count)]
        await settle()
        return tasks


async def settle():
    for _ in range(20):
        await asyncio.sleep(0)


def test_concurrency_halves_on_overload_and_grows_by_one_per_round():
    adaptive = AdaptiveConcurrency(16)
    adaptive.overloaded(began_at=0, now=1)
    assert adaptive.limit == 8
    for _ in range(9):
        adaptive.succeeded()
    assert adaptive.limit == 9


def test_one_burst_of_refusals_halves_only_once():
    adaptive = AdaptiveConcurrency(64)
    for _ in range(64):
        adaptive.overloaded(began_at=0, now=1)
    assert adaptive.limit == 32


def test_concurrency_stays_between_one_and_the_maximum():
    adaptive = AdaptiveConcurrency(4)
    for moment in range(10):
        adaptive.overloaded(began_at=moment, now=moment)
    assert adaptive.limit == 1
    for _ in range(100):
        adaptive.succeeded()
    assert adaptive.limit == 4


async def test_no_more_calls_are_inside_than_allowed_and_all_get_in(gate_of):
    visitors = Visitors(gate_of(max_concurrency=4))
    tasks = await visitors.send(20)
    assert visitors.inside == 4
    visitors.leaving.set()
    await asyncio.gather(*tasks)
    assert visitors.most_inside == 4


async def test_a_cancelled_call_gives_its_place_to_the_next(gate_of):
    visitors = Visitors(gate_of(max_concurrency=1))
    first, waiting, last = await visitors.send(3)
    waiting.cancel()
    first.cancel()
    await settle()
    assert visitors.gate.in_flight == 1
    visitors.leaving.set()
    await last
    assert visitors.gate.in_flight == 0


async def test_calls_cancelled_all_at_once_all_end_as_cancelled(gate_of):
    visitors = Visitors(gate_of(max_concurrency=1))
    tasks = await visitors.send(3)
    for task in tasks:
        task.cancel()
    ends = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(end) for end in ends] == 3 * [asyncio.CancelledError]
    assert visitors.gate.in_flight == 0


async def test_two_workers_sharing_a_store_stay_within_the_limit_together(gate_of):
    store = InProcessLimitStore()
    ours, theirs = Visitors(gate_of(store)), Visitors(gate_of(store))
    tasks = [*await ours.send(10), *await theirs.send(10)]
    assert ours.inside + theirs.inside == 4
    for task in tasks:
        task.cancel()


async def test_a_worker_that_closes_leaves_its_slots_to_the_other(gate_of):
    store = InProcessLimitStore()
    ours, theirs = Visitors(gate_of(store)), Visitors(gate_of(store))
    for task in await ours.send(4):
        task.cancel()
    await settle()
    await ours.gate.aclose()
    tasks = await theirs.send(4)
    assert theirs.inside == 4
    for task in tasks:
        task.cancel()


async def test_requests_per_minute_are_spread_over_time(gate_of, clock):
    gate = gate_of(InProcessLimitStore(now=clock.now), requests_per_minute=6)
    for _ in range(3):
        async with gate.entered(0):
            pass
    assert clock.slept == pytest.approx([10, 10])


async def test_tokens_are_booked_before_and_corrected_after_a_call(gate_of, clock):
    gate = gate_of(InProcessLimitStore(now=clock.now), tokens_per_minute=6000)
    async with gate.entered(6000) as granted:
        granted.used_tokens = 600
    async with gate.entered(6000):
        pass
    # 600 tokens at 5701 a minute, the burst of 300 aside for an amount above it
    assert sum(clock.slept) == pytest.approx(600 / 5701 * 60, rel=0.01)


async def test_a_call_cancelled_while_it_waits_gives_its_booking_back(gate_of, clock):
    store = InProcessLimitStore(now=clock.now)
    never = asyncio.Event()
    timing = Timing(now=clock.now, sleep=lambda seconds: never.wait())
    gate = gate_of(store, timing=timing, requests_per_minute=6)
    async with gate.entered(0):
        waiting = asyncio.create_task(gate.entered(0).__aenter__())
        await settle()
        waiting.cancel()
        await settle()
    assert await store.reserve("k:requests", 1, per_minute=6, burst=1) == pytest.approx(10)


async def test_retry_after_holds_back_every_call_to_the_endpoint(gate_of, clock):
    gate = gate_of()
    refused = ProviderError(FailureKind.RATE_LIMITED, "slow", retry_after_s=8)
    await gate.failed(refused, began_at=clock.time)
    began = clock.time
    async with gate.entered(0):
        assert clock.time >= began + 8


async def test_a_pause_reaches_the_other_workers(gate_of, clock):
    store = InProcessLimitStore(now=clock.now)
    ours, theirs = gate_of(store), gate_of(store)
    refused = ProviderError(FailureKind.RATE_LIMITED, "slow", retry_after_s=8)
    await ours.failed(refused, began_at=clock.time)
    began = clock.time
    async with theirs.entered(0):
        assert clock.time >= began + 8


async def test_a_pause_too_long_to_sit_out_gives_the_work_back(gate_of, clock):
    gate = gate_of(longest_pause_s=60)
    refused = ProviderError(FailureKind.RATE_LIMITED, "tomorrow", retry_after_s=3600)
    await gate.failed(refused, began_at=clock.time)
    with pytest.raises(ProviderError, match="asked everybody to wait") as caught:
        async with gate.entered(0):
            pass
    assert caught.value.retry_after_s == pytest.approx(3600)
    assert clock.slept == []


class BrokenStore(InProcessLimitStore):
    async def claim_slots(self, *args, **options):
        raise LimitStoreError("Redis is gone")


async def test_calls_fail_by_name_rather_than_hang_when_limits_cannot_be_counted(gate_of):
    gate = gate_of(BrokenStore())
    with pytest.raises(ProviderError, match="Redis is gone") as caught:
        async with gate.entered(0):
            pass
    assert caught.value.is_retryable
