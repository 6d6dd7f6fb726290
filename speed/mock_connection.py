"""One client's connection to the mock: reading requests, writing answers, TLS when asked."""

import ssl
import struct
from contextlib import suppress
from dataclasses import dataclass
from socket import SO_LINGER, SOL_SOCKET, socket
from time import monotonic_ns
from typing import TYPE_CHECKING, Any  # JSON of unknown shape

import orjson

from speed.clocks import (
    ANCILLARY_BYTES,
    ask_for_kernel_stamps,
    kernel_stamp_ns,
    measure_wall_offset_ns,
)
from speed.http1 import FramingError, MessageFraming, header_fields
from speed.reactor import READABLE, WRITABLE
from speed.tls import TlsSession

if TYPE_CHECKING:
    from speed.mock_server import MockServer

READ_BYTES = 65_536
REASONS = {200: "OK", 400: "Bad Request", 404: "Not Found", 429: "Too Many Requests", 500: "Error"}
STREAM_HEADER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
    b"Cache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n"
)
LINGER_ZERO = struct.pack("ii", 1, 0)  # close() then sends RST instead of FIN


@dataclass(frozen=True, slots=True)
class MockRequest:
    """A complete request and the monotonic time at which it had reached this host."""

    method: str
    path: str
    request_id: str
    body: bytes
    received_ns: int


class MockConnection:
    """Serves one request at a time; ``is_idle`` between requests."""

    def __init__(self, server: "MockServer", sock: socket) -> None:
        self.is_open = True
        self.is_idle = True
        self.keeps_alive = True
        self._server = server
        self._socket = sock
        self._reactor = server.reactor
        self._tls = TlsSession(server.tls, server_side=True) if server.tls else None
        self._framing = MessageFraming()
        self._received = bytearray()
        self._unsent = b""
        self._closes_when_sent = False
        self._wall_offset_ns = measure_wall_offset_ns(1)
        ask_for_kernel_stamps(sock)
        self._reactor.register(sock, READABLE, self._on_event)

    def send(self, payload: bytes) -> int:
        """Send now; the monotonic time just before the bytes were handed to the kernel."""
        if self._tls is not None:
            payload = self._tls.encrypt(payload)
        stamp = monotonic_ns()
        self._send_raw(payload)
        return stamp

    def send_json(self, status: int, body: Any, headers: bytes = b"") -> int:
        """Answer the request at hand with a JSON document."""
        content = body if isinstance(body, bytes) else orjson.dumps(body)
        head = b"HTTP/1.1 %d %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n" % (
            status,
            REASONS.get(status, "Status").encode(),
            len(content),
        )
        stamp = self.send(head + headers + self._connection_header() + b"\r\n" + content)
        self.finish()
        return stamp

    def stream_header(self) -> bytes:
        """The header of a streamed answer, sent together with the first chunk."""
        return STREAM_HEADER + self._connection_header() + b"\r\n"

    def finish(self) -> None:
        """The answer is complete: wait for the next request, or close if so announced."""
        self.is_idle = True
        if not self.keeps_alive:
            self._closes_when_sent = True
            if not self._unsent:
                self.close()

    def close(self) -> None:
        """Close in the orderly way."""
        if not self.is_open:
            return
        self.is_open = False
        self._reactor.unregister(self._socket)
        self._socket.close()
        self._server.forget(self)

    def reset(self) -> None:
        """Break the connection with RST, as a crashing server does."""
        if self.is_open:
            self._socket.setsockopt(SOL_SOCKET, SO_LINGER, LINGER_ZERO)
        self.close()

    def _connection_header(self) -> bytes:
        return b"" if self.keeps_alive else b"Connection: close\r\n"

    def _send_raw(self, payload: bytes) -> None:
        if not self.is_open or not payload:
            return
        if self._unsent:
            self._unsent += payload
            return
        try:
            sent = self._socket.send(payload)
        except BlockingIOError:
            sent = 0
        except OSError:
            self.close()
            return
        if sent < len(payload):
            self._unsent = payload[sent:]
            self._reactor.modify(self._socket, READABLE | WRITABLE, self._on_event)

    def _on_event(self, mask: int) -> None:
        if mask & WRITABLE and self._unsent:
            payload, self._unsent = self._unsent, b""
            self._send_raw(payload)
            if self.is_open and not self._unsent:
                self._reactor.modify(self._socket, READABLE, self._on_event)
                if self._closes_when_sent:
                    self.close()
        if mask & READABLE and self.is_open:
            self._receive()

    def _receive(self) -> None:
        try:
            data, ancillary, _, _ = self._socket.recvmsg(READ_BYTES, ANCILLARY_BYTES)
        except BlockingIOError:
            return
        except OSError:
            self.close()
            return
        if not data:
            self.close()
            return
        stamp = kernel_stamp_ns(ancillary)
        received_ns = monotonic_ns() if stamp is None else stamp - self._wall_offset_ns
        if self._tls is not None:
            data = self._decrypt(self._tls, data)
        if data:
            self._take(data, received_ns)

    def _decrypt(self, tls: TlsSession, ciphertext: bytes) -> bytes:
        tls.receive(ciphertext)
        if not tls.is_open:
            try:
                self._send_raw(tls.handshake())
            except ssl.SSLError:
                self.close()
                return b""
        if not tls.is_open:
            return b""
        with suppress(ssl.SSLError):
            return tls.read()
        self.close()
        return b""

    def _take(self, data: bytes, received_ns: int) -> None:
        self._received += data
        try:
            is_complete = self._framing.feed(data)
        except FramingError:
            self.reset()
            return
        if not is_complete:
            return
        request = self._parse(received_ns)
        self._received = bytearray()
        self.keeps_alive = self.keeps_alive and self._framing.keeps_alive
        self._framing = MessageFraming()
        self.is_idle = False
        self._server.handle(self, request)

    def _parse(self, received_ns: int) -> MockRequest:
        header = self._framing.header
        first, _, block = header.partition(b"\r\n")
        method, _, rest = first.decode("latin-1").partition(" ")
        request_id = header_fields(block).get(b"x-request-id", b"").decode("latin-1")
        body = bytes(self._received[len(header) + 4 :])
        return MockRequest(method, rest.partition(" ")[0], request_id, body, received_ns)
