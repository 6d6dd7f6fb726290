"""Requests wait in line for one of a few threads, which stay."""

import asyncio
import threading

import pytest
from asgiref.sync import sync_to_async
from django.http import HttpResponse, StreamingHttpResponse

from config import seats
from config.seats import SeatedHandler

SCOPE = {
    "type": "http",
    "method": "GET",
    "path": "/",
    "query_string": b"",
    "headers": [(b"host", b"localhost")],
    "client": ("192.0.2.1", 5000),
    "server": ("localhost", 80),
}


@pytest.fixture
def handler(monkeypatch):
    """``handler(view)`` answers every request with the synchronous ``view``, two seats in all."""
    monkeypatch.setattr(seats, "SEATS", 2)

    def make(view):
        made = SeatedHandler()
        made._middleware_chain = sync_to_async(view, thread_sensitive=True)
        return made

    return make


class Request:
    """What a client has received so far; ``gate`` holds back the second part of a body."""

    def __init__(self):
        self.parts, self.has_asked = [], False
        self.gate, self.has_begun = asyncio.Event(), asyncio.Event()

    async def receive(self):
        if not self.has_asked:
            self.has_asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        return await asyncio.Event().wait()

    async def send(self, message):
        self.parts.append(message)
        if message["type"] == "http.response.body" and message.get("more_body"):
            self.has_begun.set()
            await self.gate.wait()


async def ask(handler):
    request = Request()
    await handler(SCOPE, request.receive, request.send)
    return b"".join(part.get("body", b"") for part in request.parts)


async def test_no_more_requests_run_at_once_than_there_are_seats(handler):
    running, most, both = [], [], threading.Barrier(2, timeout=5)

    def view(request):
        running.append(1)
        most.append(len(running))
        both.wait()
        running.pop()
        return HttpResponse("done")

    app = handler(view)
    bodies = await asyncio.gather(*(ask(app) for _ in range(6)))
    assert bodies == [b"done"] * 6
    assert max(most) == 2


async def test_threads_are_kept_from_request_to_request(handler):
    threads = set()

    def view(request):
        threads.add(threading.get_ident())
        return HttpResponse("done")

    app = handler(view)
    for _ in range(5):
        await ask(app)
    assert len(threads) <= 2


async def test_a_long_download_gives_its_seat_to_the_next(handler):
    async def body():
        yield b"a"
        yield b"b"

    def view(request):
        return StreamingHttpResponse(body())

    app = handler(view)
    slow = [Request() for _ in range(3)]
    tasks = [asyncio.create_task(app(SCOPE, one.receive, one.send)) for one in slow]
    await asyncio.wait_for(asyncio.gather(*(one.has_begun.wait() for one in slow)), 10)
    for one in slow:
        one.gate.set()
    await asyncio.gather(*tasks)
    assert all(one.parts[-1]["type"] == "http.response.body" for one in slow)
