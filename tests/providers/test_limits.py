import asyncio
import math
import os
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers import EndpointConfig, Message, limits_redis
from providers.limits import (
    Claim,
    InProcessLimitStore,
    LimitStoreError,
    book,
    share_slots,
    spread,
)
from providers.limits_redis import RedisLimitStore
from providers.limits_sqlite import SqliteLimitStore
from providers.pool import ProviderPool
from tests.openai_server import OpenAIServer
from tests.skipping import skip_or_fail

REDIS_URL = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/9")


@pytest.fixture(params=["in_process", "sqlite", "redis"])
async def store(request, tmp_path, monkeypatch):
    if request.param == "in_process":
        yield InProcessLimitStore()
        return
    if request.param == "sqlite":
        on_disk = SqliteLimitStore(tmp_path / "home" / "limits.sqlite3")
        yield on_disk
        on_disk.close()
        return
    # names of its own, as the other round of tests may use the same Redis; they expire
    monkeypatch.setattr(limits_redis, "PREFIX", f"agon:limits:{uuid4().hex}:")
    monkeypatch.setattr(limits_redis, "ANSWER_S", 60.0)
    shared = RedisLimitStore(REDIS_URL)
    try:
        await shared._redis.ping()
    except OSError as error:
        await shared.aclose()
        skip_or_fail(f"no Redis at {REDIS_URL}: {error}")
    yield shared
    await shared.aclose()


def send_times(allowance, gaps):
    """Moments at which requests go when they are booked ``gaps`` seconds apart."""
    rate, burst = spread(allowance)
    arrival, now, sent = 0.0, 0.0, []
    for gap in gaps:
        now += gap
        arrival, wait = book(arrival, now, 1, per_minute=rate, burst=burst)
        sent.append(now + wait)
    return sent


@given(
    allowance=st.integers(1, 300),
    gaps=st.lists(st.floats(0, 20), min_size=1, max_size=400),
)
def test_no_minute_ever_sees_more_requests_than_allowed(allowance, gaps):
    sent = send_times(allowance, gaps)
    tolerance = 1e-6  # seconds of rounding over hundreds of additions
    for start in sent:
        assert sum(start <= at < start + 60 - tolerance for at in sent) <= allowance


def test_requests_go_in_the_order_of_booking_and_use_the_allowance():
    sent = send_times(60, [0.0] * 120)
    assert sent == sorted(sent)
    assert sent[-1] == pytest.approx(120, rel=0.05)  # one twentieth is kept back for bursts


def test_a_booking_larger_than_the_burst_goes_when_the_earlier_ones_are_paid_off():
    arrival, wait = book(0.0, 0.0, 500, per_minute=600, burst=10)
    assert wait == 0
    _, wait = book(arrival, 0.0, 500, per_minute=600, burst=10)
    assert wait == pytest.approx(50)


def test_units_given_back_shorten_the_wait():
    arrival, _ = book(0.0, 0.0, 500, per_minute=600, burst=10)
    arrival, _ = book(arrival, 0.0, -400, per_minute=600, burst=10)
    assert book(arrival, 0.0, 10, per_minute=600, burst=10)[1] == pytest.approx(10)


@given(
    limit=st.integers(1, 50),
    wanted=st.lists(st.integers(0, 80), min_size=1, max_size=5),
    turns=st.lists(st.integers(0, 4), max_size=60),
)
def test_members_together_never_hold_more_than_the_limit(limit, wanted, turns):
    held = dict.fromkeys(range(len(wanted)), 0)
    for turn in turns:
        member = turn % len(wanted)
        others = [Claim(wanted[m], held[m], math.inf) for m in held if m != member]
        held[member] = share_slots(others, wanted=wanted[member], limit=limit)
        assert sum(held.values()) <= limit


def test_contention_levels_out_to_fair_shares():
    held = [64, 0]
    for _ in range(3):
        for member in (0, 1):
            other = Claim(64, held[1 - member], math.inf)
            held[member] = share_slots([other], wanted=64, limit=64)
    assert held == [32, 32]


def test_a_worker_with_little_demand_leaves_the_rest_to_others():
    assert share_slots([Claim(wanted=4, held=4, expires_at=math.inf)], wanted=64, limit=64) == 60


async def test_a_store_books_in_turn(store):
    waits = [await store.reserve("k", 1, per_minute=1, burst=2) for _ in range(4)]
    assert waits == pytest.approx([0, 0, 60, 120], abs=30)  # less what the bookings took


async def test_a_store_takes_back_what_was_booked(store):
    await store.reserve("k", 60, per_minute=60, burst=1)
    await store.reserve("k", -60, per_minute=60, burst=1)
    assert await store.reserve("k", 1, per_minute=60, burst=1) < 1


async def test_a_store_keeps_endpoints_apart(store):
    await store.reserve("k", 60, per_minute=60, burst=1)
    assert await store.reserve("other", 1, per_minute=60, burst=1) == 0


async def test_a_store_shares_slots_between_members(store):
    options = {"limit": 10, "ttl_s": 60}
    first = await store.claim_slots("k", "a", wanted=10, in_use=0, **options)
    late = await store.claim_slots("k", "b", wanted=10, in_use=0, **options)
    shrunk = await store.claim_slots("k", "a", wanted=10, in_use=5, **options)
    fair = await store.claim_slots("k", "b", wanted=10, in_use=0, **options)
    assert [grant.slots for grant in (first, late, shrunk, fair)] == [10, 0, 5, 5]


async def test_calls_still_in_flight_keep_their_slots(store):
    options = {"limit": 10, "ttl_s": 60}
    await store.claim_slots("k", "a", wanted=10, in_use=0, **options)
    await store.claim_slots("k", "b", wanted=10, in_use=0, **options)
    await store.claim_slots("k", "a", wanted=10, in_use=9, **options)
    assert (await store.claim_slots("k", "b", wanted=10, in_use=0, **options)).slots == 1


async def test_a_member_that_leaves_frees_its_slots(store):
    options = {"limit": 10, "ttl_s": 60}
    await store.claim_slots("k", "a", wanted=10, in_use=10, **options)
    await store.claim_slots("k", "a", wanted=0, in_use=0, **options)
    assert (await store.claim_slots("k", "b", wanted=10, in_use=0, **options)).slots == 10


async def test_a_dead_member_is_forgotten_when_its_claim_expires(store):
    await store.claim_slots("k", "dead", wanted=10, in_use=10, limit=10, ttl_s=-1)
    grant = await store.claim_slots("k", "b", wanted=10, in_use=0, limit=10, ttl_s=60)
    assert grant.slots == 10


async def test_everybody_hears_of_a_pause_and_the_longer_one_stands(store):
    await store.pause("k", 3000)
    await store.pause("k", 500)
    grant = await store.claim_slots("k", "a", wanted=1, in_use=0, limit=1, ttl_s=60)
    assert grant.paused_s == pytest.approx(3000, abs=100)


async def test_two_workers_keep_within_one_endpoints_concurrency(store):
    async with OpenAIServer(delay_s=0.01) as server:
        config = EndpointConfig(base_url=server.url, model="alpha", max_concurrency=3)
        async with ProviderPool(store) as ours, ProviderPool(store) as theirs:
            calls = [
                workers.get(config).complete([Message("user", str(number))])
                for number in range(20)
                for workers in (ours, theirs)
            ]
            await asyncio.gather(*calls)
    assert server.most_in_flight == 3
    assert len(server.calls) == 40


async def test_an_unreachable_redis_is_named_without_its_password():
    store = RedisLimitStore("redis://:hunter2@127.0.0.1:1/0")
    with pytest.raises(LimitStoreError, match="Redis did not count") as caught:
        await store.reserve("k", 1, per_minute=1, burst=1)
    assert "hunter2" not in str(caught.value)
    await store.aclose()


async def test_processes_of_a_host_share_one_file(tmp_path):
    here, there = (SqliteLimitStore(tmp_path / "limits.sqlite3") for _ in range(2))
    first = await here.claim_slots("k", "one", wanted=8, in_use=0, limit=8, ttl_s=60)
    second = await there.claim_slots("k", "two", wanted=8, in_use=0, limit=8, ttl_s=60)
    assert (first.slots, second.slots) == (8, 0)
    await there.pause("k", 30)
    grant = await here.claim_slots("k", "one", wanted=0, in_use=0, limit=8, ttl_s=60)
    assert grant.paused_s > 0
    here.close()
    there.close()


async def test_a_file_that_cannot_be_used_is_named(tmp_path):
    (tmp_path / "limits.sqlite3").write_text("this is no database, it is a long enough text")
    store = SqliteLimitStore(tmp_path / "limits.sqlite3")
    with pytest.raises(LimitStoreError, match=r"limits\.sqlite3"):
        await store.pause("k", 1)
    store.close()
