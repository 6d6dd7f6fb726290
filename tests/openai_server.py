"""A real HTTP server that speaks the OpenAI protocol and misbehaves on request.

::

    async with OpenAIServer(reply=verdict, fault=every(5, Fault("server_error"))) as server:
        ...  # server.url is the base URL, server.calls the log
    with run_in_thread(OpenAIServer()) as server:  # for synchronous and Django tests
        ...
    with run_in_process(delay_s=0.05) as url:  # for benchmarks: does not share the client's GIL
        ...
"""

import asyncio
import contextlib
import multiprocessing
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from multiprocessing.connection import Connection
from typing import Any, Literal, Self

import orjson
from aiohttp import web

Json = dict[str, Any]
FaultKind = Literal[
    "rate_limit", "server_error", "hang", "cut", "garbage", "empty", "html", "error_in_stream"
]


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model says; ``logprobs`` holds ``(token, logprob)`` candidates per position."""

    text: str
    reasoning: str = ""
    finish_reason: str = "stop"
    logprobs: tuple[tuple[tuple[str, float], ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Fault:
    """A planned failure; ``status`` and ``retry_after`` (header text) apply to refusals."""

    kind: FaultKind
    retry_after: str = ""
    status: int = 0


@dataclass(slots=True)
class Call:
    """One request as the server saw it; ``is_paid`` once the whole reply was handed over."""

    path: str
    body: Json
    began_at: float
    headers: dict[str, str]
    status: int = 0
    is_paid: bool = False
    fault: FaultKind | None = None

    @property
    def conversation(self) -> str:
        """What was asked of which model, as one comparable string."""
        asked = self.body.get("messages", self.body.get("prompt"))
        return orjson.dumps([self.body.get("model"), asked]).decode()


FaultPlan = Callable[[int, Json], Fault | None]


def no_fault(number: int, body: Json) -> None:
    """Everything works."""


def every(n: int, fault: Fault) -> FaultPlan:
    """The n-th, 2n-th… call fails."""
    return lambda number, body: fault if number % n == 0 else None


def first(n: int, fault: Fault) -> FaultPlan:
    """The first n calls fail."""
    return lambda number, body: fault if number <= n else None


def first_attempts(n: int, fault: Fault) -> FaultPlan:
    """The first n calls about each conversation fail, whatever the order of calls."""
    seen: Counter[bytes] = Counter()

    def plan(number: int, body: Json) -> Fault | None:
        conversation = orjson.dumps([body.get("model"), body.get("messages")])
        seen[conversation] += 1
        return fault if seen[conversation] <= n else None

    return plan


def in_turn(*faults: Fault | None) -> FaultPlan:
    """The k-th call meets the k-th entry; later calls work."""
    return lambda number, body: faults[number - 1] if number <= len(faults) else None


def echo(messages: list[Json]) -> str:
    """Repeat the last message."""
    content = messages[-1]["content"]
    return content if isinstance(content, str) else str(content)


@dataclass
class OpenAIServer:
    """Chat and text completions, models; streamed or not. ``reply`` is a rule on the messages."""

    reply: Callable[[list[Json]], Reply | str] = echo
    delay_s: float = 0.0
    chunk_delay_s: float = 0.0
    chunk_characters: int = 8
    fault: FaultPlan = no_fault
    models: tuple[str, ...] = ("alpha", "beta", "gamma")
    api_key: str = ""
    is_reporting_usage: bool = True
    is_logging: bool = True
    calls: list[Call] = field(default_factory=list)
    in_flight: int = 0
    most_in_flight: int = 0
    port: int = 0

    def __post_init__(self) -> None:
        self._numbers = count(1)
        self._runner: web.ServerRunner | None = None

    @property
    def url(self) -> str:
        """The base URL, without /v1."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def paid_calls(self) -> list[Call]:
        """Calls whose whole reply was sent."""
        return [call for call in self.calls if call.is_paid]

    @property
    def paid_twice(self) -> list[str]:
        """Conversations that were answered in full more than once."""
        paid = Counter(call.conversation for call in self.paid_calls)
        return [conversation for conversation, times in paid.items() if times > 1]

    async def __aenter__(self) -> Self:
        server = web.Server(self._handle, handler_cancellation=True, access_log=None)
        self._runner = web.ServerRunner(server, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, backlog=1024)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *error: object) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if self.api_key and self.api_key not in self._keys_of(request):
            return _refusal(401, "Incorrect API key provided: " + request.headers.get("x", "none"))
        if request.method == "POST" and request.path.endswith("/completions"):
            return await self._counted(request)
        return await self.handle_other(request)

    async def handle_other(self, request: web.BaseRequest) -> web.StreamResponse:
        """Everything but completions; overridden where a test needs more of the protocol."""
        if request.path.endswith("/models"):
            listed = [
                {"id": name, "object": "model", "created": 0, "owned_by": "test"}
                for name in self.models
            ]
            return _json({"object": "list", "data": listed})
        return _refusal(404, f"no route {request.path}")

    def _keys_of(self, request: web.BaseRequest) -> list[str]:
        headers = request.headers
        return [headers.get("authorization", "")[7:], headers.get("api-key", "")]

    async def _counted(self, request: web.BaseRequest) -> web.StreamResponse:
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            return await self._answer(request)
        finally:
            self.in_flight -= 1

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        body = orjson.loads(await request.read())
        call = Call(request.path, body, time.monotonic(), dict(request.headers))
        if self.is_logging:
            self.calls.append(call)
        fault = self.fault(next(self._numbers), body)
        if fault is not None:
            call.fault = fault.kind
        if fault is not None and fault.kind in ("rate_limit", "server_error"):
            return _refuse(call, fault)
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        if fault is not None and fault.kind == "hang":
            await asyncio.Event().wait()
        call.status = 200
        if body.get("stream"):
            return await self._stream(request, call, fault)
        return self._whole(request, call, fault)

    def _whole(
        self, request: web.BaseRequest, call: Call, fault: Fault | None
    ) -> web.StreamResponse:
        payload = orjson.dumps(completion(call, self._say(call), usage=self.is_reporting_usage))
        match fault and fault.kind:
            case "cut":
                # a longer body is promised than sent, then the connection goes away
                response = web.Response(body=payload[: len(payload) // 2])
                response.headers["Content-Length"] = str(len(payload))
                _hang_up_after(request)
                return response
            case "garbage" | "error_in_stream":
                return web.Response(body=b'{"choices": [{"mess', content_type="application/json")
            case "empty":
                return web.Response(body=b"", content_type="application/json")
            case "html":
                return _web_page()
        call.is_paid = True
        return web.Response(body=payload, content_type="application/json")

    async def _stream(
        self, request: web.BaseRequest, call: Call, fault: Fault | None
    ) -> web.StreamResponse:
        kind = fault and fault.kind
        if kind == "html":
            return _web_page()
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        events = list(stream_events(call, self._say(call), self.chunk_characters))
        if kind == "empty":
            return response
        for index, event in enumerate(events):
            if kind is not None and index == len(events) // 2:
                await _break_stream(request, response, kind)
                return response
            await response.write(b"data: " + orjson.dumps(event) + b"\n\n")
            if self.chunk_delay_s:
                await asyncio.sleep(self.chunk_delay_s)
        await response.write(b"data: [DONE]\n\n")
        call.is_paid = True
        return response

    def _say(self, call: Call) -> Reply:
        messages = call.body.get("messages") or [
            {"role": "user", "content": call.body.get("prompt", "")}
        ]
        said = self.reply(messages)
        return said if isinstance(said, Reply) else Reply(said)


def usage_of(call: Call, reply: Reply) -> Json:
    """Tokens counted as words: enough to check sums with."""
    prompt = len(call.conversation.split())
    reasoning = len(reply.reasoning.split())
    output = len(reply.text.split()) + reasoning
    return {
        "prompt_tokens": prompt,
        "completion_tokens": output,
        "total_tokens": prompt + output,
        "completion_tokens_details": {"reasoning_tokens": reasoning},
        "prompt_tokens_details": {"cached_tokens": 0},
    }


def completion(call: Call, reply: Reply, *, usage: bool = True) -> Json:
    """A whole reply in the shape of the API that was called."""
    choice: Json = {"index": 0, "finish_reason": reply.finish_reason, "logprobs": None}
    is_chat = "messages" in call.body
    if is_chat:
        message = {"role": "assistant", "content": reply.text}
        if reply.reasoning:
            message["reasoning_content"] = reply.reasoning
        choice["message"] = message
    else:
        choice["text"] = reply.text
    if reply.logprobs:
        choice["logprobs"] = _logprobs(reply, is_chat=is_chat)
    whole = {
        "id": "cmpl-1",
        "object": "chat.completion" if is_chat else "text_completion",
        "created": 0,
        "model": call.body.get("model", ""),
        "choices": [choice],
    }
    return whole | ({"usage": usage_of(call, reply)} if usage else {})


def stream_events(call: Call, reply: Reply, characters: int) -> Iterator[Json]:
    """A role-only opener, reasoning, text, the finish reason and a usage-only last event."""
    is_chat = "messages" in call.body
    base = {"id": "cmpl-1", "created": 0, "model": call.body.get("model", "")}

    def event(piece: Json, finish: str | None = None, **more: Json) -> Json:
        content = {"delta": piece} if is_chat else {"text": piece.get("content", "")}
        return base | {"choices": [{"index": 0, "finish_reason": finish, **content, **more}]}

    if is_chat:
        yield event({"role": "assistant", "content": ""})
    for start in range(0, len(reply.reasoning), characters):
        yield event({"reasoning_content": reply.reasoning[start : start + characters]})
    for start in range(0, len(reply.text), characters):
        is_first = start == 0 and bool(reply.logprobs)
        more = {"logprobs": _logprobs(reply, is_chat=is_chat)} if is_first else {}
        yield event({"content": reply.text[start : start + characters]}, **more)
    yield event({}, reply.finish_reason)
    if call.body.get("stream_options", {}).get("include_usage"):
        yield base | {"choices": [], "usage": usage_of(call, reply)}


def _logprobs(reply: Reply, *, is_chat: bool) -> Json:
    if not is_chat:
        return {"top_logprobs": [dict(position) for position in reply.logprobs]}
    content = [
        {
            "token": position[0][0],
            "logprob": position[0][1],
            "top_logprobs": [{"token": token, "logprob": value} for token, value in position],
        }
        for position in reply.logprobs
    ]
    return {"content": content}


def _json(payload: Json, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(payload), status=status, content_type="application/json")


def _refusal(status: int, message: str) -> web.Response:
    return _json({"error": {"message": message, "type": "error", "code": None}}, status)


def _refuse(call: Call, fault: Fault) -> web.Response:
    call.status = fault.status or (429 if fault.kind == "rate_limit" else 500)
    response = _refusal(call.status, "planned failure")
    if fault.retry_after:
        response.headers["Retry-After"] = fault.retry_after
    return response


def _web_page() -> web.Response:
    page = "<html><head><title>Bad gateway</title></head><body>nginx</body></html>"
    return web.Response(text=page, content_type="text/html")


async def _break_stream(
    request: web.BaseRequest, response: web.StreamResponse, kind: FaultKind
) -> None:
    if kind == "garbage":
        await response.write(b'data: {"choices": [{"del\n\n')
    elif kind == "error_in_stream":
        await response.write(b'data: {"error": {"message": "engine died", "code": 500}}\n\n')
    elif kind == "cut":
        _hang_up(request)


def _hang_up(request: web.BaseRequest) -> None:
    if request.transport is not None:
        request.transport.close()


def _hang_up_after(request: web.BaseRequest) -> None:
    asyncio.get_running_loop().call_later(0.05, _hang_up, request)


@contextlib.contextmanager
def nobody_listening() -> Iterator[str]:
    """An address that refuses every connection, and that nobody else gets meanwhile."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


@contextlib.contextmanager
def run_in_thread(server: OpenAIServer) -> Iterator[OpenAIServer]:
    """Serve from a thread with its own event loop while the block runs."""
    started = threading.Event()
    loop = asyncio.new_event_loop()
    stopping = asyncio.Event()

    async def serve() -> None:
        async with server:
            started.set()
            await stopping.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), daemon=True)
    thread.start()
    if not started.wait(60):
        raise RuntimeError("the test server did not start within a minute")
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(stopping.set)
        thread.join(60)
        loop.close()


def _serve_process(options: Json, pipe: Connection) -> None:
    async def serve() -> None:
        async with OpenAIServer(**options) as server:
            pipe.send(server.url)
            await asyncio.get_running_loop().run_in_executor(None, _wait_for_end, pipe)

    # the server must not be what a benchmark measures
    import uvloop

    uvloop.run(serve())


def _wait_for_end(pipe: Connection) -> None:
    with contextlib.suppress(EOFError):
        pipe.recv()


@contextlib.contextmanager
def run_in_process(**options: Any) -> Iterator[str]:
    """Serve from a process of its own; ``options`` are picklable fields of OpenAIServer."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve_process, args=(options, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        yield ours.recv()
    finally:
        ours.close()
        process.join(60)
