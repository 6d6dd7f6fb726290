"""Requests sit in a fixed number of threads, which keep their database connections.

Django under ASGI starts a thread for every request. With hundreds at once they fight for the
interpreter, SQLite opens its file anew for each, and whoever waits for a lock may wait for ever.
Here a request waits in line for one of ``SEATS`` threads instead.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from weakref import WeakKeyDictionary

from asgiref.sync import SyncToAsync, ThreadSensitiveContext
from django.core.handlers.asgi import ASGIHandler

SEATS = 8

Scope = dict[str, Any]  # as ASGI defines it
Message = Mapping[str, Any]  # as ASGI defines it
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Seats = asyncio.Queue[ThreadSensitiveContext]


class SeatedHandler(ASGIHandler):
    """Django's handler, each request in the thread of the seat it was given."""

    def __init__(self) -> None:
        super().__init__()
        self._seats: WeakKeyDictionary[asyncio.AbstractEventLoop, Seats] = WeakKeyDictionary()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        seats = self._seats_here()
        seat = await seats.get()
        is_taken = True

        def leave() -> None:
            """A long download gives way: its thread stays with it, a new one takes the seat."""
            nonlocal is_taken
            if is_taken:
                is_taken = False
                seats.put_nowait(ThreadSensitiveContext())

        async def send_on(message: Message) -> None:
            if message["type"] == "http.response.body" and message.get("more_body"):
                leave()
            await send(message)

        token = SyncToAsync.thread_sensitive_context.set(seat)
        try:
            await self.handle(scope, receive, send_on)
        finally:
            SyncToAsync.thread_sensitive_context.reset(token)
            if is_taken:
                seats.put_nowait(seat)
            else:
                _close(seat)

    def _seats_here(self) -> Seats:
        loop = asyncio.get_running_loop()
        if loop not in self._seats:
            self._seats[loop] = asyncio.Queue()
            for _ in range(SEATS):
                self._seats[loop].put_nowait(ThreadSensitiveContext())
        return self._seats[loop]


def _close(seat: ThreadSensitiveContext) -> None:
    executor = SyncToAsync.context_to_thread_executor.pop(seat, None)
    if executor is not None:
        executor.shutdown(wait=False)
