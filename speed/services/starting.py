"""Asking for a run and for its end. Every such act, and every refusal, is written down."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from arena import __version__
from speed.models import SpeedAction, SpeedAudit, SpeedRun, SpeedStatus
from speed.services.planning import (
    REFUSALS,
    check_ceilings,
    check_local,
    check_tokenizer,
    file_digest,
    phases_of,
    resolve_sides,
    shown_target,
)
from speed.spec import SpecError, SpeedSpec, digest


def start_speed_run(
    *,
    spec: SpeedSpec,
    created_by: User | None = None,
    send: Callable[[int], None] | None = None,
) -> SpeedRun:
    """Store a run and queue it; raises one of ``planning.REFUSALS``, which is kept as a row.

    ``send`` puts it into the queue (the default), or does nothing for a caller that drives the
    run itself.
    """
    try:
        check_spec(spec)
    except REFUSALS as error:
        record(
            action=SpeedAction.REFUSED,
            user=created_by,
            target=shown_target(spec),
            detail=str(error),
        )
        raise
    with transaction.atomic():
        run = SpeedRun.objects.create(
            mode=spec.mode,
            label=spec.label,
            spec=spec.model_dump(mode="json"),
            workload_key=workload_key(spec),
            target_key=digest([target.key for target in spec.targets]),
            language_model=None,
            created_by=created_by,
            enqueued_at=timezone.now(),
            software_version=__version__,
        )
        record(action=SpeedAction.STARTED, user=created_by, run=run, target=shown_target(spec))
        transaction.on_commit(lambda: (send or send_to_queue)(run.pk))
    return run


def check_spec(spec: SpeedSpec) -> None:
    """Everything that can be known before a request leaves; raises one of REFUSALS."""
    check_ceilings(spec)
    check_tokenizer(spec)
    if spec.mode == "in_process":
        check_local(spec)
    elif spec.mode != "calibration":
        resolve_sides(spec)
        if len({target.api for target in spec.targets}) > 1:
            raise SpecError("interleaved sides must speak the same API")
    phases_of(spec)


def workload_key(spec: SpeedSpec) -> str:
    """The spec's own key, and the content of the prompt file where there is one."""
    path = str(spec.workload.options.get("path", ""))
    return digest([spec.workload_key(), file_digest(path) if path and Path(path).is_file() else ""])


def stop_speed_run(*, run: SpeedRun, user: User | None = None) -> bool:
    """Ask a run to end; its driver sees it within a quarter of a second. False when it is over."""
    now = timezone.now()
    with transaction.atomic():
        waiting = SpeedRun.objects.filter(pk=run.pk, status=SpeedStatus.QUEUED).update(
            status=SpeedStatus.STOPPED, is_stop_wanted=True, finished_at=now
        )
        running = SpeedRun.objects.filter(pk=run.pk, status=SpeedStatus.RUNNING).update(
            is_stop_wanted=True
        )
        if waiting or running:
            record(action=SpeedAction.STOPPED, user=user, run=run)
    run.refresh_from_db()
    return bool(waiting or running)


def record(
    *,
    action: SpeedAction,
    user: User | None = None,
    run: SpeedRun | None = None,
    target: str = "",
    detail: str = "",
) -> SpeedAudit:
    """Add a line to the audit log."""
    return SpeedAudit.objects.create(
        action=action, user=user, run=run, target=target[:500], detail=detail
    )


def send_to_queue(run_id: int) -> None:
    """One message for a worker; a lost one is found by the sweep."""
    from speed.tasks import drive_speed_run

    drive_speed_run.delay(run_id)
