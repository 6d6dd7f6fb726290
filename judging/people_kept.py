"""People against judges, worked out while nobody waits for it.

With few votes the figures take milliseconds and are made for every reader. Where they take long, a
thread renews them and readers see the last ones with their time; a process that has none yet shows
that they are being worked out.
"""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from django.db import connection
from django.utils import timezone

from arena.models import Vote
from judging.people_figures import PeopleFigures, people_figures

KEPT_FROM_S = 0.05
KEPT_TIMES = 20  # a busy page costs a process a twentieth of its time at most
MANY_VOTES = 10_000  # working them out takes about a tenth of a second

Start = Callable[[Callable[[], None]], None]


@dataclass(frozen=True, slots=True)
class DatedFigures:
    """``is_kept`` where they are not those of this moment; they count as good until
    ``good_until``, in monotonic seconds.
    """

    figures: PeopleFigures
    worked_out_at: dt.datetime
    good_until: float = 0.0
    is_kept: bool = False


def start_thread(work: Callable[[], None]) -> None:
    """With a database connection of its own, given back at the end."""

    def run() -> None:
        try:
            work()
        finally:
            connection.close()

    threading.Thread(target=run, name="people-figures", daemon=True).start()


@dataclass(slots=True)
class KeptFigures:
    """One per process."""

    start: Start = start_thread
    _kept: dict[bool, DatedFigures] = field(default_factory=dict)
    _renewing: set[bool] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, *, include_demo: bool) -> DatedFigures | None:
        """The figures; None while the first ones are being worked out."""
        kept = self._kept.get(include_demo)
        if kept is None and not _are_many_votes():
            return self._work_out(include_demo)
        if kept is None or time.monotonic() >= kept.good_until:
            self._renew(include_demo)
        return kept

    def _renew(self, include_demo: bool) -> None:
        """One at a time."""
        with self._lock:
            if include_demo in self._renewing:
                return
            self._renewing.add(include_demo)

        def work() -> None:
            try:
                self._work_out(include_demo, is_kept=True)
            finally:
                self._renewing.discard(include_demo)

        self.start(work)

    def _work_out(self, include_demo: bool, *, is_kept: bool = False) -> DatedFigures:
        began, at = time.monotonic(), timezone.now()
        figures = people_figures(include_demo=include_demo)
        took_s = time.monotonic() - began
        good_until = began + took_s + KEPT_TIMES * took_s
        if is_kept or took_s >= KEPT_FROM_S:
            self._kept[include_demo] = DatedFigures(figures, at, good_until, is_kept=True)
        return DatedFigures(figures, at)

    def forget(self) -> None:
        self._kept.clear()


def _are_many_votes() -> bool:
    """Told by the newest number, which costs nothing."""
    newest = Vote.objects.order_by("-id").values_list("id", flat=True).first() or 0
    return newest >= MANY_VOTES


KEPT_FIGURES = KeptFigures()
