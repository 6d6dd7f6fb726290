"""From a draft to a forecast or a running run, in the background.

A draft that waits for a worker is a row like any other work: claimed by a conditional update, held
for a while, found again when its worker died or its message was lost.
"""

from __future__ import annotations

import datetime as dt
import logging

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from arena.models import RunStatus
from arena.services.runs import ENQUEUED_FOR_S, RunStateError, start_run
from arena.work.owner import is_owner_dead, process_owner
from benchmarks.models import BenchmarkRun, Intent
from benchmarks.services.libraries import in_words
from benchmarks.services.preparing import prepare_run

logger = logging.getLogger(__name__)
# fetching data sets may take long; a worker that died on this host is known at once
PREPARING_FOR = dt.timedelta(minutes=30)


def launch_in_background(run: BenchmarkRun, *, intent: Intent = Intent.START) -> None:
    """Let a worker prepare the run, and start it unless only a forecast is wanted."""
    BenchmarkRun.objects.filter(
        pk=run.pk, status__in=(RunStatus.DRAFT, RunStatus.STOPPED), prepared_at__isnull=True
    ).update(
        status=RunStatus.DRAFT, intent=intent, status_detail="", preparing_by="",
        preparing_until=None, enqueued_at=timezone.now(),
    )  # fmt: skip
    _send(run.pk)


def _send(run_id: int) -> None:
    from benchmarks.tasks import prepare_benchmark

    transaction.on_commit(lambda: prepare_benchmark.delay(run_id))


def prepare_and_start(run_id: int) -> BenchmarkRun | None:
    """Prepare a draft and start it if that is wanted; what cannot be prepared is told on the run.

    Called twice, the second call finds the draft taken, or a run that is no draft any more.
    """
    now = timezone.now()
    is_free = Q(preparing_until__isnull=True) | Q(preparing_until__lt=now)
    drafts = BenchmarkRun.objects.filter(pk=run_id, status=RunStatus.DRAFT)
    mine = {"preparing_by": process_owner(), "preparing_until": now + PREPARING_FOR}
    if not drafts.filter(is_free).update(**mine):
        return None
    run = BenchmarkRun.objects.get(pk=run_id)
    try:
        prepare_run(run)
    except Exception as error:  # the border around foreign task definitions: told on the run
        logger.warning("benchmark run %s cannot be prepared: %s", run_id, error, exc_info=True)
        told = in_words(error)[:2000]
        drafts.update(status_detail=told, preparing_by="", preparing_until=None)
        return None
    drafts.update(status_detail="", preparing_by="", preparing_until=None, enqueued_at=None)
    return run if run.intent == Intent.FORECAST else _start(run)


def _start(run: BenchmarkRun) -> BenchmarkRun | None:
    try:
        return start_run(run)
    except RunStateError:  # stopped while its prompts were being built
        return None


@transaction.atomic
def start_forecast(*, run: BenchmarkRun) -> BenchmarkRun:
    """Start a prepared draft; raises RunStateError when it is none any more."""
    BenchmarkRun.objects.filter(pk=run.pk).update(intent=Intent.START, enqueued_at=None)
    return start_run(run)


@transaction.atomic
def discard_draft(*, run: BenchmarkRun) -> None:
    """Forget a draft that nobody wants; raises RunStateError for a run that has been started."""
    deleted, _ = BenchmarkRun.objects.filter(
        pk=run.pk, status=RunStatus.DRAFT, started_at__isnull=True
    ).delete()
    if not deleted:
        raise RunStateError(f"{run} has been started; stop it instead")


def sweep_preparations() -> int:
    """Send drafts whose message was lost or whose worker died; returns how many were sent."""
    now = timezone.now()
    sent = 0
    for run in BenchmarkRun.objects.to_prepare():
        is_dead = bool(run.preparing_by) and is_owner_dead(run.preparing_by)
        if run.preparing_until and run.preparing_until > now and not is_dead:
            continue
        is_sent = run.enqueued_at and run.enqueued_at > now - dt.timedelta(seconds=ENQUEUED_FOR_S)
        if is_sent and not is_dead:
            continue
        BenchmarkRun.objects.filter(pk=run.pk).update(
            preparing_by="", preparing_until=None, enqueued_at=now
        )
        _send(run.pk)
        sent += 1
    return sent
