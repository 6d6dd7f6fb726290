"""Batches of a cancelled run: the endpoint is told to end them, and what it has answered is kept.

A batch that is being cancelled still finishes what is in flight, for minutes, and bills it. So the
run is looked at again until every batch has ended; only then are the replies read and stored on
their rows. Nothing is sent meanwhile, and any process may die: what was done is in the rows.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from collections.abc import Sequence

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from arena.calling import NotCallableError
from arena.models import RunStatus, WorkStatus
from arena.services.runs import release_dead_leases
from arena.work.dispatch import DriveOptions, drive
from judging.batch_desk import UNSENT, BatchDesk
from judging.models import JudgeBatch, JudgeRun
from judging.workload import JudgeWorkload
from providers.base import ProviderError
from providers.openai_batch import BatchStatus, OpenAIBatches

logger = logging.getLogger(__name__)

# a request that a dying process has sent is with the endpoint by then, or never will be
ARRIVES_WITHIN = dt.timedelta(minutes=10)
_COLLECTING = DriveOptions(worked_on=RunStatus.CANCELLED, wait_s=0.0, max_s=None)


def runs_to_withdraw() -> QuerySet[JudgeRun]:
    """Cancelled runs whose batches have not all come to their end."""
    out = JudgeBatch.objects.filter(is_settled=False)
    return JudgeRun.objects.filter(status=RunStatus.CANCELLED, pk__in=out.values("run"))


def withdraw_batches(run: JudgeRun) -> None:
    """Cancel the batches of a cancelled run, and store what came of those that have ended.

    To be called again while some have not; called twice at once, it does no harm.
    """
    batches = list(run.batches.filter(is_settled=False))
    if not batches:
        return
    workload = JudgeWorkload.open(run)
    if workload.desk is None:
        told = workload.unusable.detail if workload.unusable else "the run has no Batch API"
        _settle_old(batches, told)
        return
    asyncio.run(_end_all(batches, workload.desk))
    for batch in batches:
        batch.save()
    if not all(batch.has_ended for batch in batches):
        _settle_old(batches, "")
        return
    try:
        _collect(run, workload)
    except (ProviderError, NotCallableError) as error:
        _settle_old(batches, str(error))
    else:
        # who still holds a row has not stored what came for it: it is looked at again
        is_held = run.judgments.filter(status=WorkStatus.CLAIMED).exists()
        run.batches.update(is_settled=not is_held)


def withdrawal_in_words(run: JudgeRun) -> str:
    """What has come of a cancelled run's batches; empty for a run that has sent none."""
    batches = list(run.batches.all())
    out = [batch for batch in batches if not batch.is_settled]
    counts = {
        "out": len(out),
        "batches": len(batches),
        "answered": sum(batch.answered for batch in batches),
        "requests": sum(len(batch.keys) for batch in batches),
    }
    if not batches:
        return ""
    if not out:
        words = _("Requests answered before the end, and kept: %(answered)s of %(requests)s")
        return words % counts
    problem = next((batch.problem for batch in out if batch.problem), "")
    words = _("Batches still to be withdrawn from the endpoint: %(out)s of %(batches)s")
    return words % counts + (f". {problem}" if problem else "")


async def _end_all(batches: Sequence[JudgeBatch], desk: BatchDesk) -> None:
    for batch in batches:
        try:
            await _end(batch, desk.client_of(batch.model_name))
        except (ProviderError, NotCallableError) as error:
            logger.warning("batch %s could not be withdrawn: %s", batch, error)
            batch.problem = str(error)


async def _end(batch: JudgeBatch, client: OpenAIBatches) -> None:
    if batch.has_ended:
        return
    if not batch.batch_id:
        batch.batch_id = await client.find(batch.label) or ""
        if not batch.batch_id:
            is_late = timezone.now() - batch.created_at > ARRIVES_WITHIN
            if is_late:
                batch.state, batch.keys = UNSENT, []
            return
    status = await client.status(batch.batch_id)
    if not status.is_finished and status.state != "cancelling":
        status = await client.cancel(batch.batch_id)
    batch.withdrawn_at = batch.withdrawn_at or timezone.now()
    _note(batch, status)


def _note(batch: JudgeBatch, status: BatchStatus) -> None:
    batch.state, batch.problem = status.state, status.problem
    batch.answered = status.completed


def _collect(run: JudgeRun, workload: JudgeWorkload) -> None:
    """Store the replies on the run's rows, like a worker of a run that is going on."""
    release_dead_leases(run)
    run.judgments.filter(status=WorkStatus.PENDING).update(not_before=None)
    desk = workload.desk
    if desk is None:
        return
    desk.load()

    async def collect() -> None:
        await desk.read_all()
        await drive(run, workload, options=_COLLECTING)

    asyncio.run(collect())


def _settle_old(batches: Sequence[JudgeBatch], problem: str) -> None:
    """Note why there is no end; a batch that is older than any can be has ended by itself."""
    for batch in batches:
        batch.problem = problem or batch.problem
        batch.is_settled = batch.is_older_than_any
        batch.save(update_fields=["problem", "is_settled"])
