"""Connections to one target: opened before the clock starts, reused, timed out, given up."""

import socket
from collections import deque
from collections.abc import Callable
from time import monotonic_ns

from speed.clocks import WallClockOffset
from speed.generator.connection import Connection, Exchange, Transport
from speed.generator.templates import Endpoint
from speed.reactor import Reactor
from speed.targets import checked_address

MessageMaker = Callable[[Exchange], bytes]
ExchangeCallback = Callable[[Exchange], None]


class ConnectionPool:
    """Idle connections are reused newest first; a request that finds none waits for a cold one."""

    def __init__(
        self,
        reactor: Reactor,
        endpoint: Endpoint,
        clock: WallClockOffset | None,
        message_of: MessageMaker,
        on_done: ExchangeCallback,
    ) -> None:
        self.endpoint = endpoint
        self.connect_times_ns: list[int] = []
        self.opened_during_run = 0
        self.failed_to_open = 0
        self.lost_idle = 0
        self._reactor = reactor
        self._clock = clock
        self._message_of = message_of
        self._on_done = on_done
        self._family, address = (
            (socket.AF_INET6 if ":" in endpoint.address else socket.AF_INET, endpoint.address)
            if endpoint.address
            else checked_address(endpoint.host, endpoint.port)
        )
        self.address = (address, endpoint.port)
        self._idle: list[Connection] = []
        self._pending: deque[Exchange] = deque()
        self._opening: dict[Connection, int] = {}
        self._busy: dict[Connection, Exchange] = {}
        self._deadlines: deque[tuple[int, Connection, Exchange]] = deque()

    @property
    def open_count(self) -> int:
        """Connections that are open, idle or busy."""
        return len(self._idle) + len(self._busy)

    @property
    def opening_count(self) -> int:
        """Connections whose handshake is under way."""
        return len(self._opening)

    def preopen(self, count: int) -> None:
        """Begin to open connections until ``count`` are there."""
        for _ in range(count - self.open_count - self.opening_count):
            self._open()

    def submit(self, exchange: Exchange) -> None:
        """Send now on an idle connection, or as soon as a new one is open."""
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open:
                self._send(connection, exchange)
                return
        exchange.is_cold = True
        self._pending.append(exchange)
        self.opened_during_run += 1
        self._open()

    def expire(self, now_ns: int, timeout_ns: int, connect_timeout_ns: int) -> None:
        """Give up on exchanges and handshakes that have taken too long."""
        deadlines = self._deadlines
        while deadlines:
            sent_ns, connection, exchange = deadlines[0]
            is_under_way = connection.exchange is exchange
            if is_under_way and sent_ns + timeout_ns > now_ns:
                break
            deadlines.popleft()
            if is_under_way:
                connection.abandon(Transport.TIMEOUT)
        late = [c for c, since in self._opening.items() if since + connect_timeout_ns <= now_ns]
        for connection in late:
            connection.abandon(Transport.TIMEOUT)

    def cancel(self) -> None:
        """End everything under way at once; exchanges count as cancelled."""
        while self._pending:
            exchange = self._pending.popleft()
            self._conclude(exchange, Transport.CANCELLED)
        for connection in [*self._busy, *self._opening]:
            connection.abandon(Transport.CANCELLED)

    def close(self) -> None:
        """Close all connections."""
        for connection in [*self._idle, *self._busy, *self._opening]:
            connection.close()

    def on_ready(self, connection: Connection) -> None:
        """A connection is open: it serves whoever waits longest."""
        self._opening.pop(connection, None)
        self.connect_times_ns.append(connection.connect_ns)
        if self._pending:
            exchange = self._pending.popleft()
            exchange.connect_ns = connection.connect_ns
            self._send(connection, exchange)
        else:
            self._idle.append(connection)

    def on_failed(self, connection: Connection, outcome: Transport) -> None:
        """A connection could not be opened: one waiting request fails with it."""
        self._opening.pop(connection, None)
        self.failed_to_open += 1
        if self._pending:
            exchange = self._pending.popleft()
            exchange.sent_ns = connection.opened_ns
            self._conclude(exchange, outcome)

    def on_finished(self, connection: Connection, exchange: Exchange) -> None:
        """An exchange is over."""
        self._busy.pop(connection, None)
        if connection.is_open:
            self._idle.append(connection)
        self._on_done(exchange)

    def on_lost(self, connection: Connection) -> None:
        """An idle connection was closed by the server."""
        self.lost_idle += 1
        if connection in self._idle:
            self._idle.remove(connection)

    def _open(self) -> None:
        connection = Connection(self, self._reactor, self.endpoint, self._clock)
        self._opening[connection] = monotonic_ns()
        connection.open(self._family, self.address)

    def _send(self, connection: Connection, exchange: Exchange) -> None:
        message = self._message_of(exchange)
        self._busy[connection] = exchange
        connection.send(exchange, message)
        self._deadlines.append((exchange.sent_ns, connection, exchange))

    def _conclude(self, exchange: Exchange, outcome: Transport) -> None:
        exchange.outcome = outcome
        exchange.end_ns = monotonic_ns()
        exchange.sent_ns = exchange.sent_ns or exchange.end_ns
        self._on_done(exchange)
