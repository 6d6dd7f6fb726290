"""Calls per second to one endpoint: ours, AsyncOpenAI, and the synchronous client with threads.

Run from the repository root: ``python -m tests.bench.provider_calls [--json] [--calls N]``.
The server (50 ms per reply, in a process of its own) allows at most in flight / delay calls/s.
Each client warms its connections up before it is timed.
"""

import argparse
import asyncio
import json
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from providers.base import EndpointConfig, Message
from providers.pool import ProviderPool
from tests.openai_server import run_in_process

DELAY_S = 0.05
VERDICT = "Both answers are right; A explains its steps. My final verdict is [[A>B]]."
IN_FLIGHT = 64
PROMPT = "Compare the two answers and end with your verdict. " * 40  # a judge prompt's size


def verdict(messages: list[dict[str, object]]) -> str:
    """A judge's short reply."""
    return VERDICT


async def _in_flight_at_once(call: Callable[[], object], calls: int) -> float:
    """Seconds for ``calls`` calls by as many workers as calls may be in flight."""
    left = iter(range(calls))

    async def work() -> None:
        for _ in left:
            await call()

    began = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(IN_FLIGHT)))
    return time.perf_counter() - began


async def _ours(url: str, calls: int, *, is_streaming: bool = False) -> float:
    config = EndpointConfig(
        base_url=url,
        api_key="bench",
        model="alpha",
        max_concurrency=IN_FLIGHT,
        is_streaming=is_streaming,
    )
    messages = [Message("user", PROMPT)]
    async with ProviderPool() as pool:
        provider = pool.get(config)
        await _in_flight_at_once(lambda: provider.complete(messages), IN_FLIGHT)
        return await _in_flight_at_once(lambda: provider.complete(messages), calls)


def ours(url: str, calls: int) -> float:
    return asyncio.run(_ours(url, calls))


def ours_uvloop(url: str, calls: int) -> float:
    import uvloop

    return uvloop.run(_ours(url, calls))


def ours_streaming(url: str, calls: int) -> float:
    return asyncio.run(_ours(url, calls, is_streaming=True))


async def _async_openai(url: str, calls: int) -> float:
    from openai import AsyncOpenAI

    messages = [{"role": "user", "content": PROMPT}]
    async with AsyncOpenAI(base_url=url + "/v1", api_key="bench") as client:

        def call() -> object:
            return client.chat.completions.create(model="alpha", messages=messages)

        await _in_flight_at_once(call, IN_FLIGHT)
        return await _in_flight_at_once(call, calls)


def async_openai(url: str, calls: int) -> float:
    return asyncio.run(_async_openai(url, calls))


def openai_with_threads(url: str, calls: int) -> float:
    from openai import OpenAI

    messages = [{"role": "user", "content": PROMPT}]
    with (
        OpenAI(base_url=url + "/v1", api_key="bench") as client,
        ThreadPoolExecutor(IN_FLIGHT) as threads,
    ):

        def call(_: int) -> object:
            return client.chat.completions.create(model="alpha", messages=messages)

        list(threads.map(call, range(IN_FLIGHT)))
        began = time.perf_counter()
        list(threads.map(call, range(calls)))
        return time.perf_counter() - began


CLIENTS = {
    "ours": ours,
    "ours on uvloop": ours_uvloop,
    "ours, streaming": ours_streaming,
    "AsyncOpenAI": async_openai,
    "openai, 64 threads": openai_with_threads,
}


def measure(calls: int, rounds: int) -> dict[str, float]:
    """Median calls per second of each client; rounds are interleaved so that noise is shared."""
    rates: dict[str, list[float]] = {name: [] for name in CLIENTS}
    with run_in_process(reply=verdict, delay_s=DELAY_S, is_logging=False) as url:
        for _ in range(rounds):
            for name, client in CLIENTS.items():
                rates[name].append(calls / client(url, calls))
    return {name: statistics.median(measured) for name, measured in rates.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rates = measure(options.calls, options.rounds)
    ideal = IN_FLIGHT / DELAY_S
    if options.json:
        print(json.dumps({"ideal_calls_per_s": ideal, "calls_per_s": rates}))
        return
    print(f"{IN_FLIGHT} in flight, {DELAY_S * 1000:.0f} ms per reply, ideal {ideal:.0f} calls/s")
    for name, rate in rates.items():
        print(
            f"{name:20} {rate:7.0f} calls/s  {rate / ideal:5.1%} of ideal  "
            f"ours is {rates['ours'] / rate:.2f} times as fast"
        )


if __name__ == "__main__":
    main()
