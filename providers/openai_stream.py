"""Reading a streamed reply: parsed events to the end, or the name of what went wrong."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING

import orjson

from providers.base import FailureKind, ProviderError
from providers.openai_failures import (
    Redactor,
    error_in,
    error_object,
    failure_from_object,
    malformed,
)
from providers.openai_wire import JsonObject, ReplyCollector
from providers.sse import EventParser

if TYPE_CHECKING:
    from aiohttp import ClientResponse

DONE = b"[DONE]"
LINGER_S = 0.1  # for the end of the body after [DONE], without which a connection is not reused


async def events(
    response: "ClientResponse", reply: ReplyCollector, *, idle_timeout_s: float, redact: Redactor
) -> AsyncGenerator[JsonObject, None]:
    """Parsed events up to the end; a stream that ends without one was cut.

    ``reply`` is what the caller has collected: failures carry it along, and its finish reason
    tells whether a missing ``[DONE]`` matters.
    """
    try:
        async with aclosing(_payloads(response, idle_timeout_s, redact)) as payloads:
            async for data in payloads:
                if data == DONE:
                    return
                yield _event(data, redact)
        if not reply.finish_reason:
            raise ProviderError(
                FailureKind.STREAM_CUT, "the stream ended without a finish reason or [DONE]"
            )
    except ProviderError as error:
        error.partial = reply.completion()
        raise


async def drain(response: "ClientResponse") -> None:
    """Read what follows ``[DONE]``, so that the connection can serve the next call."""
    from aiohttp import ClientError

    with contextlib.suppress(TimeoutError, ClientError):
        async with asyncio.timeout(LINGER_S):
            while await response.content.readany():
                pass


async def _payloads(
    response: "ClientResponse", idle_timeout_s: float, redact: Redactor
) -> AsyncGenerator[bytes, None]:
    parser = EventParser()
    start = b""
    has_event = False
    async with aclosing(_chunks(response, idle_timeout_s, redact)) as chunks:
        async for chunk in chunks:
            start = start or chunk
            for data in parser.feed(chunk):
                has_event = True
                yield data
    for data in parser.close():
        has_event = True
        yield data
    if start and not has_event:
        raise _no_events(start, redact)


async def _chunks(
    response: "ClientResponse", idle_timeout_s: float, redact: Redactor
) -> AsyncGenerator[bytes, None]:
    """Raw pieces; the first may take as long as the attempt, the others follow without silence."""
    from aiohttp import ClientError

    patience_s: float | None = None
    while True:
        try:
            async with asyncio.timeout(patience_s):
                chunk = await response.content.readany()
        except TimeoutError as error:
            raise ProviderError(
                FailureKind.TIMED_OUT,
                f"the stream was silent for {idle_timeout_s:g} s, or went on past the time limit",
            ) from error
        except ClientError as error:
            raise ProviderError(
                FailureKind.STREAM_CUT, redact(f"the connection broke: {error}")
            ) from error
        if not chunk:
            return
        yield chunk
        patience_s = idle_timeout_s


def _event(data: bytes, redact: Redactor) -> JsonObject:
    try:
        event = orjson.loads(data)
    except orjson.JSONDecodeError:
        raise malformed(data, redact) from None
    if not isinstance(event, dict):
        raise malformed(data, redact)
    if error := error_in(event):
        raise failure_from_object(error, redact)
    return event


def _no_events(start: bytes, redact: Redactor) -> ProviderError:
    """A body that is no event stream whatever its header says: an error object, a web page."""
    error = error_object(start)
    return failure_from_object(error, redact) if error else malformed(start, redact)
