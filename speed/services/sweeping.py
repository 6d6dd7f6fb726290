"""What dead workers and lost messages leave behind is found in the rows.

A generator outlives its driver by less than a second and writes its stamp file before it ends, so
what was measured until then is kept. A driver whose process on this machine is certainly gone is
dealt with at once, one on another machine when its lease has run out.
"""

from __future__ import annotations

import datetime as dt
import logging
import shutil

from django.db.models import Q
from django.utils import timezone

from arena.work.owner import is_owner_dead
from speed.generator.progress import read_progress
from speed.models import SpeedRun, SpeedStatus
from speed.services.driving import LEASE_S, work_folder
from speed.services.finishing import finish, store_part
from speed.services.starting import send_to_queue
from speed.stamps import StampFileError

logger = logging.getLogger(__name__)
LOST_AFTER_S = 30.0  # a queued message that no worker has picked up by then is sent again
DIED = "the process that drove the run died; what was measured until then is kept"


def sweep() -> int:
    """End abandoned runs and queue the oldest that waits; returns how many were ended."""
    now = timezone.now()
    ended = sum(recover(run) for run in SpeedRun.objects.filter(status=SpeedStatus.RUNNING))
    lost = now - dt.timedelta(seconds=LOST_AFTER_S)
    is_lost = Q(enqueued_at__isnull=True) | Q(enqueued_at__lt=lost)
    waiting = SpeedRun.objects.filter(is_lost, status=SpeedStatus.QUEUED).order_by("id").first()
    if waiting is not None and SpeedRun.objects.filter(
        is_lost, pk=waiting.pk, status=SpeedStatus.QUEUED
    ).update(enqueued_at=now):
        send_to_queue(waiting.pk)
    return ended


def recover(run: SpeedRun) -> bool:
    """End a run whose driver is gone, with what its generator has written."""
    now = timezone.now()
    is_expired = run.lease_expires_at is not None and run.lease_expires_at < now
    if not (is_expired or is_owner_dead(run.lease_owner)):
        return False
    folder = work_folder(run)
    for path in sorted(folder.glob("*/run.stamps"), key=lambda path: int(path.parent.name)):
        try:
            store_part(run=run, part=int(path.parent.name), path=path)
        except StampFileError:
            logger.exception("speed run %s: %s cannot be read", run.pk, path)
    patience = now - dt.timedelta(seconds=LEASE_S)
    is_hopeless = run.lease_expires_at is None or run.lease_expires_at < patience
    if is_writing(run) and not is_hopeless:
        return False
    has_figures = run.phases.exists()
    status = SpeedStatus.STOPPED if has_figures else SpeedStatus.FAILED
    is_ended = finish(run=run, status=status, detail=DIED if has_figures else DIED_EMPTY)
    shutil.rmtree(folder, ignore_errors=True)
    return is_ended


DIED_EMPTY = "the process that drove the run died before anything was measured; start it again"


def is_writing(run: SpeedRun) -> bool:
    """Whether a part was begun whose stamp file is not there yet."""
    return any(
        read_progress(path) is not None and not (path.parent / "run.stamps").exists()
        for path in work_folder(run).glob("*/progress")
    )
