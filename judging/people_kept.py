"""People against judges, worked out while nobody waits for it.

With few votes the figures take milliseconds and are made for every reader. Where they take long,
the last ones are kept in a row that all processes share: readers see them with the moment they were
worked out, and the first who finds them old asks a worker for new ones.
"""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import dataclass
from typing import Final

from django.db.models import Q, QuerySet
from django.utils import timezone

from arena.models import Vote
from judging.models import KeptPeopleFigures
from judging.people_figures import PeopleFigures, people_figures
from judging.people_packed import FORM, packed, unpacked

KEPT_FROM_S: Final = 0.05
KEPT_TIMES: Final = 20  # a busy page costs a twentieth of one worker's time at most
KEPT_AT_LEAST: Final = dt.timedelta(seconds=5)
ASKED_AGAIN_AFTER: Final = dt.timedelta(minutes=1)  # and twice what it took the last time
MANY_VOTES: Final = 10_000  # working them out takes about a tenth of a second


@dataclass(frozen=True, slots=True)
class DatedFigures:
    """``is_kept`` where they are not those of this moment, ``is_old`` where newer ones have been
    asked for.
    """

    figures: PeopleFigures
    worked_out_at: dt.datetime
    is_kept: bool = False
    is_old: bool = False


def dated_figures(*, include_demo: bool) -> DatedFigures | None:
    """The figures; None while the first ones are being worked out."""
    kept = KeptPeopleFigures.objects.filter(include_demo=include_demo, form=FORM).first()
    if kept is None or kept.worked_out_at is None:
        if not _are_many_votes():
            return _of_this_moment(include_demo)
        _ask(include_demo)
        return None
    age = timezone.now() - kept.worked_out_at
    is_old = age >= max(KEPT_AT_LEAST, KEPT_TIMES * dt.timedelta(seconds=kept.took_s))
    if is_old:
        _ask(include_demo)
    figures = unpacked(kept.figures, bytes(kept.disputes))
    return DatedFigures(figures, kept.worked_out_at, is_kept=True, is_old=is_old)


def renew(*, include_demo: bool) -> None:
    """Work the figures out and keep them, unless they are quick; newer ones are not overwritten."""
    figures, at, took_s = _worked_out(include_demo)
    if took_s < KEPT_FROM_S and not _are_many_votes():
        KeptPeopleFigures.objects.filter(include_demo=include_demo).delete()
    else:
        _keep(figures, at, took_s, include_demo=include_demo)


def _of_this_moment(include_demo: bool) -> DatedFigures:
    figures, at, took_s = _worked_out(include_demo)
    if took_s >= KEPT_FROM_S:
        _keep(figures, at, took_s, include_demo=include_demo)
    return DatedFigures(figures, at)


def _worked_out(include_demo: bool) -> tuple[PeopleFigures, dt.datetime, float]:
    at, began = timezone.now(), time.monotonic()
    figures = people_figures(include_demo=include_demo)
    return figures, at, time.monotonic() - began


def _keep(figures: PeopleFigures, at: dt.datetime, took_s: float, *, include_demo: bool) -> None:
    told, disputes = packed(figures)
    row = _row(include_demo)
    row.filter(~Q(form=FORM) | Q(worked_out_at__isnull=True) | Q(worked_out_at__lt=at)).update(
        form=FORM,
        figures=told,
        disputes=disputes,
        worked_out_at=at,
        took_s=took_s,
        asked_at=None,
    )


def _ask(include_demo: bool) -> None:
    """Let a worker renew the figures; who asks meanwhile waits for the same work."""
    now = timezone.now()
    row = _row(include_demo)
    took_s = row.values_list("took_s", flat=True).first() or 0.0
    lost_before = now - max(ASKED_AGAIN_AFTER, 2 * dt.timedelta(seconds=took_s))
    if row.filter(Q(asked_at__isnull=True) | Q(asked_at__lt=lost_before)).update(asked_at=now):
        from judging.tasks import renew_people_figures

        renew_people_figures.delay(include_demo=include_demo)


def _row(include_demo: bool) -> QuerySet[KeptPeopleFigures]:
    found = KeptPeopleFigures.objects.filter(include_demo=include_demo)
    if not found.exists():
        KeptPeopleFigures.objects.bulk_create(
            [KeptPeopleFigures(include_demo=include_demo)], ignore_conflicts=True
        )
    return found


def _are_many_votes() -> bool:
    """Told by the newest number, which costs nothing."""
    newest = Vote.objects.order_by("-id").values_list("id", flat=True).first() or 0
    return newest >= MANY_VOTES
