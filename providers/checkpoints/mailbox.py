"""From a model's thread to the event loops that wait for it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress


class Mailbox:
    """Hands calls over to an event loop, as many as there are with one wake-up.

    Waking a loop lets go of the interpreter. Once per reply of a batch, the loop and the model's
    thread would take it from each other all the time.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._calls: deque[Callable[[], object]] = deque()
        self._is_woken = False

    def post(self, call: Callable[[], object]) -> None:
        """Have ``call`` made in the loop's thread, in the order of posting; from any thread."""
        self._calls.append(call)
        if not self._is_woken:
            self._is_woken = True
            with suppress(RuntimeError):  # the loop was closed, so nobody waits any more
                self.loop.call_soon_threadsafe(self._empty)

    def _empty(self) -> None:
        # before looking, so that what is posted from now on wakes the loop again
        self._is_woken = False
        while self._calls:
            self._calls.popleft()()
