"""Starting, pausing, resuming, cancelling and finishing runs of any kind."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable
from typing import TypeVar

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from arena.models import Run, RunStatus, WorkStatus
from arena.work.kinds import RunKind, kind_of, run_kinds
from arena.work.owner import is_owner_dead

logger = logging.getLogger(__name__)
AnyRun = TypeVar("AnyRun", bound=Run)

# a queued message that no worker has picked up by then is taken for lost
ENQUEUED_FOR_S = 120.0


class RunStateError(ValueError):
    """The run is not in a state in which this can be asked of it."""


def _move(
    run: AnyRun, *, to: RunStatus, sources: tuple[RunStatus, ...], **columns: object
) -> AnyRun:
    """Change the status by a conditional update, so that of two askers one succeeds."""
    moved = (
        type(run)
        ._default_manager.filter(pk=run.pk, status__in=sources)
        .update(status=to, **columns)
    )
    run.refresh_from_db()
    if not moved:
        raise RunStateError(
            f"{run} is {run.get_status_display()} and cannot become {to.label}; "
            f"that is possible from: {', '.join(str(source.label) for source in sources)}"
        )
    return run


@transaction.atomic
def start_run(run: AnyRun) -> AnyRun:
    """Set a new run going."""
    run = _move(run, to=RunStatus.ACTIVE, sources=(RunStatus.DRAFT,), started_at=timezone.now())
    enqueue_run(run)
    return run


@transaction.atomic
def stop_run(run: AnyRun, *, reason: str = "") -> AnyRun:
    """Pause: no further row is started, and workers drop what is in flight within a second."""
    return _move(
        run,
        to=RunStatus.STOPPED,
        sources=(RunStatus.ACTIVE, RunStatus.DRAFT),
        status_detail=reason,
        enqueued_at=None,
    )


@transaction.atomic
def cancel_run(run: AnyRun, *, reason: str = "") -> AnyRun:
    """End a run for good, as quickly as a pause; what is done is kept, and the rest is left.

    Another run that asks for the same takes the rest over.
    """
    run = _move(
        run,
        to=RunStatus.CANCELLED,
        sources=(RunStatus.ACTIVE, RunStatus.DRAFT, RunStatus.STOPPED),
        status_detail=reason,
        enqueued_at=None,
        finished_at=timezone.now(),
    )
    enqueue_winding_up(run)
    return run


@transaction.atomic
def resume_run(run: AnyRun) -> AnyRun:
    """Go on with what is missing."""
    run = _move(
        run,
        to=RunStatus.ACTIVE,
        sources=(RunStatus.STOPPED,),
        status_detail="",
        finished_at=None,
        started_at=run.started_at or timezone.now(),
    )
    enqueue_run(run)
    return run


@transaction.atomic
def retry_failed(run: AnyRun) -> int:
    """Give every failed row a fresh set of attempts; returns how many there were.

    Raises RunStateError for a cancelled run.
    """
    run.refresh_from_db(fields=["status"])
    if run.status == RunStatus.CANCELLED:
        raise RunStateError(f"{run} is cancelled; start a new run, which takes over what is left")
    count = (
        run.items()
        .filter(status=WorkStatus.FAILED)
        .update(
            status=WorkStatus.PENDING, attempts=0, not_before=None, lease_owner="", finished_at=None
        )
    )
    if count:
        type(run)._default_manager.filter(pk=run.pk).exclude(status=RunStatus.CANCELLED).update(
            status=RunStatus.ACTIVE, status_detail="", finished_at=None
        )
        run.refresh_from_db()
        enqueue_run(run)
    return count


def enqueue_run(run: Run, *, send: Callable[[str, int], None] | None = None) -> bool:
    """Put one message into the queue unless one is believed to be there already."""
    is_mine = _is_first_to_enqueue(run, RunStatus.ACTIVE)
    if is_mine:
        kind = kind_of(run)
        transaction.on_commit(lambda: _send(kind, run.pk, send))
    return is_mine


def enqueue_winding_up(run: Run) -> bool:
    """Have a worker end what a cancelled run has begun elsewhere, unless one was told so lately."""
    kind = kind_of(run)
    if kind.winding_up is None or not kind.winding_up.unfinished().filter(pk=run.pk).exists():
        return False
    is_mine = _is_first_to_enqueue(run, RunStatus.CANCELLED)
    if is_mine:
        transaction.on_commit(lambda: _send_to_wind_up(kind.name, run.pk))
    return is_mine


def wind_up(run: Run) -> str:
    """End what a cancelled run has begun elsewhere, here and now; tells what came of it."""
    winding_up = kind_of(run).winding_up
    if winding_up is None:
        return ""
    winding_up.act(run)
    return winding_up.told(run)


def _is_first_to_enqueue(run: Run, status: RunStatus) -> bool:
    now = timezone.now()
    stale = now - dt.timedelta(seconds=ENQUEUED_FOR_S)
    free = Q(enqueued_at__isnull=True) | Q(enqueued_at__lt=stale)
    runs = type(run)._default_manager.filter(free, pk=run.pk, status=status)
    return bool(runs.update(enqueued_at=now))


def _send(kind: RunKind, run_id: int, send: Callable[[str, int], None] | None) -> None:
    if send is not None:
        send(kind.name, run_id)
    elif kind.send is not None:
        kind.send(run_id)
    else:
        _send_to_queue(kind.name, run_id)


def _send_to_queue(kind: str, run_id: int) -> None:
    from arena.tasks import drive_run

    drive_run.delay(kind, run_id)


def _send_to_wind_up(kind: str, run_id: int) -> None:
    from arena.tasks import wind_up_run

    wind_up_run.delay(kind, run_id)


def finish_if_done(run: Run) -> bool:
    """Mark the run completed once no row is waiting or in flight, and none is to be added."""
    if run.items().unfinished().exists():
        return False
    if kind_of(run).extend is not None and _is_extended(run):
        return False
    return bool(
        type(run)
        ._default_manager.filter(pk=run.pk, status=RunStatus.ACTIVE)
        .update(status=RunStatus.COMPLETED, finished_at=timezone.now(), enqueued_at=None)
    )


@transaction.atomic
def _is_extended(run: Run) -> bool:
    """Whether the run has got more rows, from us or from another worker just before."""
    extend = kind_of(run).extend
    active = type(run)._default_manager.select_for_update(of=("self",))
    locked = active.filter(pk=run.pk, status=RunStatus.ACTIVE).first()
    if locked is None or extend is None:
        return False
    return locked.items().unfinished().exists() or extend(locked)


def release_dead_leases(run: Run) -> int:
    """Free the rows of workers of this host that are gone, without waiting for the lease."""
    held = run.items().filter(status=WorkStatus.CLAIMED).exclude(lease_owner="").order_by()
    dead = [
        owner
        for owner in held.values_list("lease_owner", flat=True).distinct()
        if is_owner_dead(owner)
    ]
    return (
        run.items()
        .filter(status=WorkStatus.CLAIMED, lease_owner__in=dead)
        .update(status=WorkStatus.PENDING, lease_owner="", lease_expires_at=None)
        if dead
        else 0
    )


def sweep_runs() -> int:
    """Find runs that have rows to claim and nobody at them; returns how many were enqueued.

    This is what makes the queue a mere hint: whatever a lost message, a killed worker or a
    restarted broker leaves behind is found in the rows.
    """
    enqueued = 0
    for kind in run_kinds():
        for run in kind.model._default_manager.filter(status=RunStatus.ACTIVE):
            released = release_dead_leases(run)
            if released:
                logger.warning("%s: %d rows of dead workers are free again", run, released)
                kind.model._default_manager.filter(pk=run.pk).update(enqueued_at=None)
            if finish_if_done(run):
                continue
            if has_claimable_rows(run):
                enqueued += enqueue_run(run)
        for run in kind.winding_up.unfinished() if kind.winding_up else ():
            enqueued += enqueue_winding_up(run)
    return enqueued


def has_claimable_rows(run: Run) -> bool:
    """Whether a worker would find something to do right now."""
    now = timezone.now()
    is_due = Q(not_before__isnull=True) | Q(not_before__lte=now)
    return (
        run.items()
        .filter(
            (Q(status=WorkStatus.PENDING) & is_due)
            | Q(status=WorkStatus.CLAIMED, lease_expires_at__lt=now)
        )
        .exists()
    )
