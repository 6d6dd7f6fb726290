"""One connection of the load generator: send prepared bytes, stamp what comes back, keep it."""

import errno
import socket
import ssl
from enum import IntEnum
from time import monotonic_ns
from typing import Protocol

from speed.clocks import (
    ANCILLARY_BYTES,
    WallClockOffset,
    ask_for_kernel_stamps,
    kernel_stamp_ns,
)
from speed.generator.templates import Endpoint, Template
from speed.http1 import FramingError, MessageFraming
from speed.reactor import READABLE, WRITABLE, Reactor
from speed.tls import TlsSession

READ_BYTES = 65_536
RECEIVE_BUFFER_BYTES = 1 << 20


class Transport(IntEnum):
    """How an exchange ended as far as the wire can tell."""

    COMPLETE = 0
    TIMEOUT = 1
    REFUSED = 2
    UNREACHABLE = 3
    TLS = 4
    RESET = 5
    CUT = 6
    PROTOCOL = 7
    CANCELLED = 8


class Exchange:
    """One request and the stamped bytes of its response."""

    __slots__ = (
        "chain",
        "connect_ns",
        "end_ns",
        "index",
        "is_cold",
        "outcome",
        "phase",
        "reads",
        "role",
        "salt",
        "scheduled_ns",
        "sent_ns",
        "slot",
        "stamps",
        "status",
        "template",
        "user_stamps",
    )

    def __init__(self, index: int, phase: int, role: int, template: Template) -> None:
        self.index = index
        self.phase = phase
        self.role = role
        self.template = template
        self.chain = 0
        self.slot = 0
        self.salt = b""
        self.scheduled_ns = 0
        self.sent_ns = 0
        self.end_ns = 0
        self.connect_ns = 0
        self.is_cold = False
        self.status = 0
        self.outcome = Transport.COMPLETE
        self.stamps: list[int] = []
        self.user_stamps: list[int] = []
        self.reads: list[bytes] = []


class ConnectionOwner(Protocol):
    """Who hears of a connection's fate."""

    def on_ready(self, connection: "Connection") -> None:
        """The connection is open (and its TLS handshake done)."""

    def on_failed(self, connection: "Connection", outcome: Transport) -> None:
        """The connection could not be opened."""

    def on_finished(self, connection: "Connection", exchange: Exchange) -> None:
        """The exchange is over; the connection may have closed with it."""

    def on_lost(self, connection: "Connection") -> None:
        """An idle connection has closed."""


class Connection:
    """A non-blocking connection that carries one exchange at a time."""

    __slots__ = (
        "_clock",
        "_endpoint",
        "_framing",
        "_owner",
        "_reactor",
        "_socket",
        "_tls",
        "_unsent",
        "_waits_to_write",
        "connect_ns",
        "exchange",
        "is_open",
        "is_ready",
        "opened_ns",
    )

    def __init__(
        self,
        owner: ConnectionOwner,
        reactor: Reactor,
        endpoint: Endpoint,
        clock: WallClockOffset | None,
    ) -> None:
        self._owner = owner
        self._reactor = reactor
        self._endpoint = endpoint
        self._clock = clock
        self._tls: TlsSession | None = None
        self._framing = MessageFraming()
        self._unsent = b""
        self._waits_to_write = False
        self.exchange: Exchange | None = None
        self.is_open = False
        self.is_ready = False
        self.opened_ns = 0
        self.connect_ns = 0

    def open(self, family: int, address: tuple[str, int]) -> None:
        """Start connecting; the owner hears on_ready or on_failed."""
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        if self._clock is not None:
            ask_for_kernel_stamps(self._socket)
        self.is_open = True
        self.opened_ns = monotonic_ns()
        code = self._socket.connect_ex(address)
        self._reactor.register(self._socket, READABLE | WRITABLE, self._on_connecting)
        if code not in (0, errno.EINPROGRESS):
            self._reactor.call_soon(lambda: self._fail(_outcome_of(code)))

    def send(self, exchange: Exchange, message: bytes) -> None:
        """Send ``message`` and take what follows as its response."""
        self.exchange = exchange
        self._framing = MessageFraming()
        if self._tls is not None:
            message = self._tls.encrypt(message)
        exchange.sent_ns = monotonic_ns()
        self._push(message)

    def abandon(self, outcome: Transport) -> None:
        """Give up on whatever is under way and close."""
        exchange, self.exchange = self.exchange, None
        if not self.is_ready:
            self._fail(outcome)
            return
        self._close()
        if exchange is None:
            self._owner.on_lost(self)
            return
        self._conclude(exchange, outcome)

    def close(self) -> None:
        """Close without telling the owner."""
        self._close()

    def _on_connecting(self, _mask: int) -> None:
        code = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            self._fail(_outcome_of(code))
            return
        context = self._endpoint.tls_context
        if context is None:
            self._become_ready()
            return
        self._tls = TlsSession(context, server_side=False, server_name=self._endpoint.host)
        self._reactor.modify(self._socket, READABLE, self._on_event)
        self._advance_handshake(b"")

    def _on_handshake(self) -> None:
        try:
            data = self._socket.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self._advance_handshake(data)
        else:
            self._fail(Transport.TLS)

    def _advance_handshake(self, data: bytes) -> None:
        tls = self._tls
        if tls is None:
            return
        tls.receive(data)
        try:
            output = tls.handshake()
        except ssl.SSLError:
            self._fail(Transport.TLS)
            return
        if output:
            self._push(output)
        if tls.is_open:
            self._become_ready()

    def _become_ready(self) -> None:
        self.connect_ns = monotonic_ns() - self.opened_ns
        self.is_ready = True
        self._reactor.modify(self._socket, READABLE, self._on_event)
        self._owner.on_ready(self)

    def _fail(self, outcome: Transport) -> None:
        if self.is_open:
            self._close()
            self._owner.on_failed(self, outcome)

    def _close(self) -> None:
        if self.is_open:
            self.is_open = False
            self._reactor.unregister(self._socket)
            self._socket.close()

    def _push(self, message: bytes) -> None:
        self._unsent += message
        try:
            sent = self._socket.send(self._unsent)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._reactor.call_soon(self._on_broken)
            return
        self._unsent = self._unsent[sent:]
        if self._unsent or self._waits_to_write:
            self._waits_to_write = bool(self._unsent)
            events = READABLE | WRITABLE if self._unsent else READABLE
            self._reactor.modify(self._socket, events, self._on_event)

    def _on_event(self, mask: int) -> None:
        if mask & WRITABLE and self._unsent:
            self._push(b"")
        if mask & READABLE and self.is_open:
            if self.is_ready:
                self._receive()
            else:
                self._on_handshake()

    def _receive(self) -> None:
        try:
            data, ancillary, _, _ = self._socket.recvmsg(READ_BYTES, ANCILLARY_BYTES)
        except BlockingIOError:
            return
        except OSError:
            self._on_broken()
            return
        user_ns = monotonic_ns()
        if not data:
            self._on_end_of_stream(user_ns)
            return
        wall_ns = kernel_stamp_ns(ancillary) if self._clock is not None else None
        if wall_ns is None or self._clock is None:
            stamp = user_ns
        else:
            stamp = wall_ns - self._clock.offset_ns
        if self._tls is not None:
            data = self._decrypt(self._tls, data)
            if not data:
                return
        exchange = self.exchange
        if exchange is None:
            self.abandon(Transport.PROTOCOL)
            return
        exchange.stamps.append(stamp)
        exchange.user_stamps.append(user_ns)
        exchange.reads.append(data)
        self._follow(exchange, data, stamp)

    def _follow(self, exchange: Exchange, data: bytes, stamp: int) -> None:
        framing = self._framing
        try:
            is_complete = framing.feed(data)
        except FramingError:
            self.abandon(Transport.PROTOCOL)
            return
        if is_complete:
            exchange.end_ns = stamp
            self._complete(exchange)

    def _decrypt(self, tls: TlsSession, ciphertext: bytes) -> bytes:
        tls.receive(ciphertext)
        try:
            data = tls.read()
            reply = tls.pending_output()
        except ssl.SSLError:
            self.abandon(Transport.TLS)
            return b""
        if reply:
            self._push(reply)
        return data

    def _complete(self, exchange: Exchange) -> None:
        self.exchange = None
        exchange.status = self._framing.status
        if not self._framing.keeps_alive:
            self._close()
        self._owner.on_finished(self, exchange)

    def _on_end_of_stream(self, user_ns: int) -> None:
        exchange = self.exchange
        if exchange is not None and self._framing.end_of_stream():
            exchange.end_ns = exchange.stamps[-1] if exchange.stamps else user_ns
            self._complete(exchange)
            return
        self._on_broken()

    def _on_broken(self) -> None:
        if self.is_open:
            has_bytes = self.exchange is not None and bool(self.exchange.reads)
            self.abandon(Transport.CUT if has_bytes else Transport.RESET)

    def _conclude(self, exchange: Exchange, outcome: Transport) -> None:
        exchange.outcome = outcome
        exchange.end_ns = monotonic_ns()
        exchange.status = self._framing.status
        self._owner.on_finished(self, exchange)


def _outcome_of(code: int) -> Transport:
    return Transport.REFUSED if code == errno.ECONNREFUSED else Transport.UNREACHABLE
