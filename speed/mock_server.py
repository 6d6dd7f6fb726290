"""A deterministic OpenAI-compatible endpoint that writes down what it really did.

It is the oracle of the speed tests (what a client reports is compared with the truth kept here),
the yardstick of self-calibration, and a tool of its own (``manage.py mock_llm``). Every request
is kept with the monotonic time at which it reached this host and at which each write left.
"""

import ssl
from array import array
from dataclasses import dataclass, field
from itertools import count
from socket import IPPROTO_TCP, TCP_NODELAY, create_server, socket
from time import monotonic_ns
from typing import Any  # request bodies are JSON of unknown shape

import orjson

from speed.mock_behaviour import BehaviourError, MockBehaviour, PrefixCache
from speed.mock_connection import MockConnection, MockRequest
from speed.mock_streams import StreamScheduler
from speed.reactor import READABLE, Reactor

ACCEPT_BACKLOG = 4096
ACCEPTS_PER_TURN = 256


@dataclass(slots=True)
class TruthRecord:
    """What happened to one request, on this host's monotonic clock."""

    ordinal: int
    request_id: str
    received_ns: int
    status: int = 200
    fault: str | None = None
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    reasoning_tokens: int = 0
    is_client_gone: bool = False
    ended_ns: int = 0
    sent_ns: "array[int]" = field(default_factory=lambda: array("q"))
    sent_tokens: "array[int]" = field(default_factory=lambda: array("i"))

    def as_json(self) -> dict[str, Any]:
        """The record with plain lists."""
        values: dict[str, Any] = {name: getattr(self, name) for name in self.__slots__}
        values["sent_ns"] = self.sent_ns.tolist()
        values["sent_tokens"] = self.sent_tokens.tolist()
        return values


class MockServer:
    """Accepts connections, hands requests to the scheduler and keeps the truth."""

    def __init__(
        self,
        behaviour: MockBehaviour,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.behaviour = behaviour
        self.truth: list[TruthRecord] = []
        self.reactor = Reactor()
        self.tls = tls
        self._cache = PrefixCache()
        self._ordinals = count()
        self._generations = 0
        self._connections: set[MockConnection] = set()
        self._streams = StreamScheduler(self.reactor, behaviour)
        self._listener: socket | None = create_server((host, port), backlog=ACCEPT_BACKLOG)
        self._listener.setblocking(False)
        self.address: tuple[str, int] = self._listener.getsockname()[:2]
        self.reactor.register(self._listener, READABLE, self._accept)

    def run(self) -> None:
        """Serve until ``stop``."""
        self.reactor.run()
        self._stop_listening()
        for connection in list(self._connections):
            connection.close()
        self.reactor.close()

    def stop(self) -> None:
        """End ``run``; safe to call from a signal handler."""
        self.reactor.stop()

    def handle(self, connection: MockConnection, request: MockRequest) -> None:
        """Answer one complete request."""
        if request.method == "POST" and request.path.endswith("/completions"):
            self._generate(connection, request)
        else:
            status, body = self._administer(request)
            connection.send_json(status, body)

    def forget(self, connection: MockConnection) -> None:
        """A connection has closed."""
        self._connections.discard(connection)

    def _accept(self, _mask: int) -> None:
        for _ in range(ACCEPTS_PER_TURN):
            if self._listener is None:
                return
            try:
                sock, _ = self._listener.accept()
            except OSError:  # nothing left to accept, or the client has gone again
                return
            sock.setblocking(False)
            sock.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
            self._connections.add(MockConnection(self, sock))

    def _generate(self, connection: MockConnection, request: MockRequest) -> None:
        record = TruthRecord(next(self._ordinals), request.request_id, request.received_ns)
        self.truth.append(record)
        self._generations += 1
        limit = self.behaviour.refuse_after
        if limit and self._generations > limit:
            record.fault, record.status = "reset", 0
            connection.reset()
            return
        if limit and self._generations == limit:
            self._refuse_from_now_on(connection)
        try:
            body = orjson.loads(request.body)
        except orjson.JSONDecodeError:
            record.status = 400
            connection.send_json(400, _error("the request body is not JSON"))
            return
        self._account_prompt(record, body)
        record.fault = self.behaviour.fault_of(record.ordinal)
        is_chat = request.path.endswith("/chat/completions")
        self._streams.serve(connection, record, body, is_chat=is_chat)

    def _account_prompt(self, record: TruthRecord, body: dict[str, Any]) -> None:
        prompt = prompt_text(body)
        record.prompt_tokens = max(1, len(prompt) // 4)
        if self.behaviour.prefix_cache:
            record.cached_tokens = self._cache.admit(prompt)

    def _refuse_from_now_on(self, last: MockConnection) -> None:
        self._stop_listening()
        for connection in list(self._connections):
            connection.keeps_alive = False
            if connection.is_idle and connection is not last:
                connection.close()

    def _stop_listening(self) -> None:
        if self._listener is not None:
            self.reactor.unregister(self._listener)
            self._listener.close()
            self._listener = None

    def _administer(self, request: MockRequest) -> tuple[int, Any]:
        route = (request.method, request.path.partition("?")[0])
        if route == ("GET", "/truth"):
            return 200, [record.as_json() for record in self.truth]
        if route == ("GET", "/health"):
            return 200, {"status": "ok", "monotonic_ns": monotonic_ns()}
        if route == ("GET", "/v1/models"):
            return 200, {"object": "list", "data": [{"id": "mock", "object": "model"}]}
        if route == ("POST", "/behaviour"):
            return self._change_behaviour(request.body)
        if route == ("POST", "/reset"):
            self._forget_the_past()
            return 200, {"status": "ok"}
        return 404, _error(f"the mock has no page {request.method} {request.path}")

    def _change_behaviour(self, body: bytes) -> tuple[int, Any]:
        try:
            self.behaviour = MockBehaviour.from_mapping(orjson.loads(body))
        except (BehaviourError, orjson.JSONDecodeError, TypeError) as error:
            return 400, _error(str(error))
        self._streams.behaviour = self.behaviour
        self._forget_the_past()
        return 200, {"status": "ok"}

    def _forget_the_past(self) -> None:
        self.truth = []
        self._cache = PrefixCache()
        self._ordinals = count()
        self._generations = 0


def prompt_text(body: dict[str, Any]) -> str:
    """The text of all messages, or of the plain prompt, of a request body."""
    messages = body.get("messages")
    if messages is None:
        return str(body.get("prompt", ""))
    return "\n".join(str(message.get("content", "")) for message in messages)


def _error(message: str) -> dict[str, Any]:
    return {"error": {"message": message, "type": "mock_error"}}


if __name__ == "__main__":
    from speed.mock_command import main

    main()
