"""Requests wait in line for one of a few threads, which stay."""

import asyncio
import threading

import pytest
from asgiref.sync import SyncToAsync
from django.core import signals
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
        made._middleware_chain = view
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
    running, most, both = [], [], threading.Barrier(2, timeout=60)

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


async def test_a_request_works_in_a_lane_and_leaves_it(handler, monkeypatch):
    monkeypatch.setattr(seats, "LANES", 1)
    monkeypatch.setattr(seats, "LANE_S", 3600.0)
    was_full = []

    def view(request):
        was_full.extend(lane.locked() for lane in app._lanes.values())
        return HttpResponse("done")

    app = handler(view)
    assert await asyncio.gather(*(ask(app) for _ in range(4))) == [b"done"] * 4
    assert was_full == [True] * 4
    assert [lane.locked() for lane in app._lanes.values()] == [False]


async def test_a_slow_request_lets_the_next_one_pass(handler, monkeypatch):
    monkeypatch.setattr(seats, "LANES", 1)
    monkeypatch.setattr(seats, "LANE_S", 0.0)
    both = threading.Barrier(2, timeout=60)

    def view(request):
        both.wait()
        return HttpResponse("done")

    app = handler(view)
    assert await asyncio.gather(ask(app), ask(app)) == [b"done"] * 2


async def test_a_slow_request_leaves_its_lane_once(handler, monkeypatch):
    monkeypatch.setattr(seats, "LANES", 1)
    monkeypatch.setattr(seats, "LANE_S", 0.0)
    both = threading.Barrier(2, timeout=60)

    def slow(request):
        both.wait()
        return HttpResponse("done")

    app = handler(slow)
    await asyncio.gather(ask(app), ask(app))
    assert [lane._value for lane in app._lanes.values()] == [1]


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
    await asyncio.wait_for(asyncio.gather(*(one.has_begun.wait() for one in slow)), 60)
    for one in slow:
        one.gate.set()
    await asyncio.gather(*tasks)
    assert all(one.parts[-1]["type"] == "http.response.body" for one in slow)


async def test_a_request_is_handed_to_its_thread_once(monkeypatch):
    handed_over = []
    real = SyncToAsync.thread_handler

    def count(self, *args, **kwargs):
        handed_over.append(threading.get_ident())
        return real(self, *args, **kwargs)

    monkeypatch.setattr(SyncToAsync, "thread_handler", count)
    request = Request()
    await SeatedHandler()({**SCOPE, "path": "/i18n/nothing/"}, request.receive, request.send)
    assert request.parts[0]["status"] == 404
    assert len(handed_over) == 1


async def test_the_end_of_a_request_is_told_in_the_thread_it_ran_in(handler):
    threads = []

    def view(request):
        threads.append(threading.get_ident())
        return HttpResponse("done")

    def told(**_):
        threads.append(threading.get_ident())

    signals.request_finished.connect(told)
    try:
        assert await ask(handler(view)) == b"done"
    finally:
        signals.request_finished.disconnect(told)
    assert len(threads) == 2
    assert threads[0] == threads[1]


async def test_a_reader_who_leaves_ends_the_stream(handler):
    closed = asyncio.Event()

    async def body():
        try:
            while True:
                yield b"more"
                await asyncio.sleep(0)
        finally:
            closed.set()

    request = Request()
    request.gate.set()
    gone = asyncio.Event()

    async def receive():
        if not request.has_asked:
            return await request.receive()
        await request.has_begun.wait()
        gone.set()
        return {"type": "http.disconnect"}

    app = handler(lambda _: StreamingHttpResponse(body()))
    await asyncio.wait_for(app(SCOPE, receive, request.send), 60)
    assert gone.is_set()
    assert closed.is_set()
