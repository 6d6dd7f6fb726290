"""Rendering ahead: what may be drawn is ready before anybody is shown it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from django.db.models import Exists, OuterRef

from arena.models import RenderedAnswer
from arena.voting.pool import PoolFilter, fingerprint, stored_answers
from arena.voting.texts import AT_ONCE, read_answers, renderer

SECONDS_AT_ONCE: Final = 5.0  # of every fifteen, so that runs in the same worker go on


def _next_ids(after: int) -> list[int]:
    ready = RenderedAnswer.objects.filter(answer=OuterRef("pk"), renderer=renderer())
    rows = stored_answers(PoolFilter()).filter(~Exists(ready), pk__gt=after)
    return list(rows.order_by("pk").values_list("pk", flat=True)[:AT_ONCE])


@dataclass(slots=True)
class RenderingAhead:
    """Passes over the answers of the pool, in pieces; at rest while nothing has changed since a
    pass began. Two processes may do it at once, to no harm. ``now`` is monotonic seconds.
    """

    now: Callable[[], float] = time.monotonic
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _began_with: tuple[object, ...] = ()
    _done_with: tuple[object, ...] = ()
    _after: int = 0

    def go_on(self, seconds: float = SECONDS_AT_ONCE) -> int:
        """For so long, or to the end; returns how many answers were rendered. Nothing is done
        while another thread is at it.
        """
        if not self._lock.acquire(blocking=False):
            return 0
        try:
            return self._go_on(self.now() + seconds)
        finally:
            self._lock.release()

    def _go_on(self, until: float) -> int:
        present = (*fingerprint(), renderer())
        if present == self._done_with:
            return 0
        if not self._after:
            self._began_with = present
        rendered = 0
        while ids := _next_ids(self._after):
            read_answers(ids)
            rendered, self._after = rendered + len(ids), ids[-1]
            if self.now() >= until:
                return rendered
        self._after, self._done_with = 0, self._began_with
        return rendered


AHEAD = RenderingAhead()
