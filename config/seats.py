"""Requests sit in a fixed number of threads, which keep their database connections.

Django under ASGI starts a thread for every request. With hundreds at once they fight for the
interpreter, SQLite opens its file anew for each, and whoever waits for a lock may wait for ever.
Here a request waits in line for one of ``SEATS`` threads instead, and its middleware, view and
signals run there in one go: handing each of them over alone cost more than the whole of a vote.

Only ``LANES`` of the seated works at a time, as there is one interpreter: two would take a fifth of
its time for handing it to and fro. Whoever is at it for longer than ``LANE_S`` waits for something
else or is slow, and makes room for the next.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import IO, Any
from weakref import WeakKeyDictionary

from asgiref.sync import SyncToAsync, ThreadSensitiveContext, sync_to_async
from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.http import FileResponse
from django.http.response import HttpResponseBase
from django.urls import set_script_prefix

SEATS = 8
LANES = 1
LANE_S = 0.05

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
        self._lanes: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = (
            WeakKeyDictionary()
        )

    def load_middleware(self, is_async: bool = False) -> None:
        """All of it synchronous, whatever the parent asks for."""
        super().load_middleware(is_async=False)

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

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A request that was read whole is answered, even if nobody waits for it any more."""
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        response = await self._answer_in_lane(scope, body)
        if not response.streaming:
            await self.send_response(response, send)
            return
        try:
            await self._stream(response, receive, send)
        finally:
            await sync_to_async(response.close, thread_sensitive=True)()

    async def _answer_in_lane(self, scope: Scope, body: IO[bytes]) -> Any:  # as _answer
        lanes = self._lanes.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(LANES))
        await lanes.acquire()
        leave = _once(lanes.release)
        is_slow = asyncio.get_running_loop().call_later(LANE_S, leave)
        try:
            return await sync_to_async(self._answer, thread_sensitive=True)(scope, body)
        finally:
            is_slow.cancel()
            leave()

    def _answer(self, scope: Scope, body: IO[bytes]) -> Any:  # an HttpResponseBase
        """Everything between the request and its answer; the whole of it in one thread."""
        set_script_prefix(get_script_prefix(scope))
        signals.request_started.send(sender=self.__class__, scope=scope)
        request, refusal = self.create_request(scope, body)
        response: Any  # the stubs do not know its _handler_class
        if request is None:
            body.close()
            response = refusal
        else:
            response = self.get_response(request)
        response._handler_class = self.__class__
        if isinstance(response, FileResponse):
            response.block_size = self.chunk_size
        if not response.streaming:
            response.close()  # its content is kept; the end of the request is told here
        return response

    async def _stream(self, response: HttpResponseBase, receive: Receive, send: Send) -> None:
        """Until the end or until the reader has gone."""
        tasks = (
            asyncio.ensure_future(self.listen_for_disconnect(receive)),
            asyncio.ensure_future(self.send_response(response, send)),
        )
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
        with suppress(asyncio.CancelledError, RequestAborted):
            await tasks[1]
        with suppress(asyncio.CancelledError, RequestAborted):
            await tasks[0]

    def _seats_here(self) -> Seats:
        loop = asyncio.get_running_loop()
        if loop not in self._seats:
            self._seats[loop] = asyncio.Queue()
            for _ in range(SEATS):
                self._seats[loop].put_nowait(ThreadSensitiveContext())
        return self._seats[loop]


def _once(act: Callable[[], None]) -> Callable[[], None]:
    left = [act]

    def act_once() -> None:
        if left:
            left.pop()()

    return act_once


def _close(seat: ThreadSensitiveContext) -> None:
    executor = SyncToAsync.context_to_thread_executor.pop(seat, None)
    if executor is not None:
        executor.shutdown(wait=False)
