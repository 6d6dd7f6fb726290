"""Figures over all votes, worked out while nobody waits for them.

With few votes they take milliseconds and are made for every reader. Where they take long, the last
ones are kept in a row that all processes share: readers see them with the moment they were worked
out, and the first who finds them old asks a worker for new ones.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.module_loading import import_string

from arena.models import KeptFigures, Vote

KEPT_FROM_S: Final = 0.05
KEPT_TIMES: Final = 20  # a busy page costs a twentieth of one worker's time at most
KEPT_AT_LEAST: Final = dt.timedelta(seconds=5)
ASKED_AGAIN_AFTER: Final = dt.timedelta(minutes=1)  # and twice what it took the last time
MANY_VOTES: Final = 10_000  # working figures out takes about a tenth of a second

T = TypeVar("T")
Json = dict[str, Any]  # JSON
Packed = tuple[Json, bytes]


@dataclass(frozen=True, slots=True)
class Dated(Generic[T]):
    """``is_kept`` where the figures are not those of this moment, ``is_old`` where newer ones have
    been asked for.
    """

    figures: T
    worked_out_at: dt.datetime
    is_kept: bool = False
    is_old: bool = False


@dataclass(frozen=True, slots=True)
class Keeper(Generic[T]):
    """``name`` is where the keeper stands, so that a worker finds it: package.module.NAME. ``form``
    is one more whenever what is kept changes.
    """

    name: str
    form: int
    work_out: Callable[[], T]
    pack: Callable[[T], Packed]
    unpack: Callable[[Json, bytes], T]

    def get(self) -> Dated[T] | None:
        """The figures; None while the first ones are being worked out."""
        kept = self._rows().filter(form=self.form).first()
        if kept is None or kept.worked_out_at is None:
            if not _are_many_votes():
                return self._of_this_moment()
            self._ask()
            return None
        age = timezone.now() - kept.worked_out_at
        good_for = max(KEPT_AT_LEAST, KEPT_TIMES * dt.timedelta(seconds=kept.took_s))
        is_old = kept.is_doubted or age >= good_for
        if is_old:
            self._ask()
        figures = self.unpack(kept.figures, bytes(kept.columns))
        return Dated(figures, kept.worked_out_at, is_kept=True, is_old=is_old)

    def doubt(self) -> None:
        """What the figures are about was changed by hand: the next reader asks for new ones."""
        self._rows().update(is_doubted=True)

    def renew(self) -> None:
        """Work the figures out and keep them, unless they are quick; never over newer ones."""
        figures, at, took_s = self._worked_out()
        if took_s < KEPT_FROM_S and not _are_many_votes():
            self._rows().delete()
        else:
            self._keep(figures, at, took_s)

    def _of_this_moment(self) -> Dated[T]:
        figures, at, took_s = self._worked_out()
        if took_s >= KEPT_FROM_S:
            self._keep(figures, at, took_s)
        return Dated(figures, at)

    def _worked_out(self) -> tuple[T, dt.datetime, float]:
        at, began = timezone.now(), time.monotonic()
        figures = self.work_out()
        return figures, at, time.monotonic() - began

    def _keep(self, figures: T, at: dt.datetime, took_s: float) -> None:
        told, columns = self.pack(figures)
        rows = self._row().filter(
            ~Q(form=self.form) | Q(worked_out_at__isnull=True) | Q(worked_out_at__lt=at)
        )
        rows.update(
            form=self.form,
            figures=told,
            columns=columns,
            worked_out_at=at,
            took_s=took_s,
            is_doubted=False,
            asked_at=None,
        )

    def _ask(self) -> None:
        """Let a worker renew the figures; who asks meanwhile waits for the same work."""
        now, row = timezone.now(), self._row()
        took_s = row.values_list("took_s", flat=True).first() or 0.0
        lost_before = now - max(ASKED_AGAIN_AFTER, 2 * dt.timedelta(seconds=took_s))
        if row.filter(Q(asked_at__isnull=True) | Q(asked_at__lt=lost_before)).update(asked_at=now):
            from arena.tasks import renew_figures

            renew_figures.delay(self.name)

    def _rows(self) -> QuerySet[KeptFigures]:
        return KeptFigures.objects.filter(name=self.name)

    def _row(self) -> QuerySet[KeptFigures]:
        found = self._rows()
        if not found.exists():
            KeptFigures.objects.bulk_create([KeptFigures(name=self.name)], ignore_conflicts=True)
        return found


def keeper(name: str) -> Keeper[Any]:
    """The one of this name; ImportError if there is none."""
    found = import_string(name)
    if not isinstance(found, Keeper):
        raise ImportError(f"{name} keeps no figures")
    return found


def _are_many_votes() -> bool:
    """Told by the newest number, which costs nothing."""
    newest = Vote.objects.order_by("-id").values_list("id", flat=True).first() or 0
    return newest >= MANY_VOTES
