"""The one event loop of the load generator and of the mock server: sockets and exact timers.

Why not asyncio: the timed path needs ``recvmsg`` for kernel receive timestamps, a ``send`` that
happens when it is called, and timers finer than the millisecond that ``epoll_wait`` offers.
Waiting with ``select`` on the poller's own descriptor gives microseconds without spinning.
"""

import heapq
import select
import selectors
from collections.abc import Callable
from itertools import count
from socket import socket
from time import monotonic_ns

EventHandler = Callable[[int], None]
TimerCallback = Callable[[], None]
READABLE = selectors.EVENT_READ
WRITABLE = selectors.EVENT_WRITE
FINE_WAIT_NS = 5_000_000  # below this the poller's millisecond rounding would show
LONGEST_WAIT_S = 0.2  # a signal handler that calls stop() does not interrupt the wait itself


class Reactor:
    """Calls handlers when sockets are ready and callbacks when their monotonic time has come."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        fileno = getattr(self._selector, "fileno", None)
        self._poll_fd: int | None = fileno() if fileno is not None else None
        self._timers: list[tuple[int, int, TimerCallback]] = []
        self._order = count()
        self._is_running = False

    def register(self, sock: socket, events: int, handler: EventHandler) -> None:
        """Call ``handler(mask)`` whenever ``sock`` is ready for one of ``events``."""
        self._selector.register(sock, events, handler)

    def modify(self, sock: socket, events: int, handler: EventHandler) -> None:
        """Change what ``sock`` is watched for."""
        self._selector.modify(sock, events, handler)

    def unregister(self, sock: socket) -> None:
        """Stop watching ``sock``; unknown sockets are ignored."""
        if sock.fileno() >= 0 and sock in self._selector.get_map():
            self._selector.unregister(sock)

    def call_at(self, when_ns: int, callback: TimerCallback) -> None:
        """Call ``callback`` once the monotonic clock reaches ``when_ns``; never earlier."""
        heapq.heappush(self._timers, (when_ns, next(self._order), callback))

    def call_soon(self, callback: TimerCallback) -> None:
        """Call ``callback`` in the next turn of the loop."""
        self.call_at(0, callback)

    def run(self) -> None:
        """Serve events until ``stop`` is called."""
        self._is_running = True
        while self._is_running:
            self._fire_due_timers()
            if not self._is_running:
                return
            for key, mask in self._wait():
                key.data(mask)

    def stop(self) -> None:
        """End ``run`` after the current turn."""
        self._is_running = False

    def close(self) -> None:
        """Release the poller."""
        self._selector.close()

    def _fire_due_timers(self) -> None:
        now = monotonic_ns()
        timers = self._timers
        while timers and timers[0][0] <= now:
            _, _, callback = heapq.heappop(timers)
            callback()

    def _wait(self) -> list[tuple[selectors.SelectorKey, int]]:
        if not self._timers:
            return self._selector.select(LONGEST_WAIT_S)
        wait_ns = self._timers[0][0] - monotonic_ns()
        if wait_ns <= 0:
            return self._selector.select(0)
        if self._poll_fd is None or wait_ns > FINE_WAIT_NS:
            coarse_s = max(0.001, (wait_ns - FINE_WAIT_NS // 2) / 1e9)
            return self._selector.select(min(coarse_s, LONGEST_WAIT_S))
        select.select([self._poll_fd], [], [], wait_ns / 1e9)
        return self._selector.select(0)
