"""A clock that only moves when somebody sleeps, and providers pointed at a test server."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from providers import CompletionStream, EndpointConfig, Provider
from providers.pool import ProviderPool
from providers.timing import Timing

SECRET = "sk-very-secret-0123456789"


class FakeClock:
    """Sleeping takes no time but moves the clock; ``slept`` records it."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.slept: list[float] = []

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds
        await asyncio.sleep(0)

    @property
    def timing(self) -> Timing:
        return Timing(now=self.now, wall=self.now, sleep=self.sleep, random=lambda: 0.5)


async def read_texts(stream: CompletionStream, into: list[str]) -> None:
    """Collect the texts of a stream, keeping those that came before a failure."""
    async for delta in stream:
        into.append(delta.text)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def pool(clock: FakeClock) -> AsyncIterator[ProviderPool]:
    async with ProviderPool(timing=clock.timing) as opened:
        yield opened


@pytest.fixture
def provider_at(pool: ProviderPool) -> Callable[..., Provider]:
    """A provider for ``url``; other arguments are EndpointConfig's."""

    def open_provider(url: str, **options: object) -> Provider:
        defaults: dict[str, object] = {"model": "alpha", "api_key": SECRET, "timeout_s": 60}
        return pool.get(EndpointConfig(base_url=url, **(defaults | options)))

    return open_provider
