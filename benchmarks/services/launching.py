"""From a draft to a running run, in the background."""

from __future__ import annotations

import logging

from django.db import transaction

from arena.models import RunStatus
from arena.services.runs import start_run
from benchmarks.models import BenchmarkRun, EngineKind
from benchmarks.services.accelerators import wake_accelerators
from benchmarks.services.preparing import prepare_run

logger = logging.getLogger(__name__)


def prepare_and_start(run_id: int) -> BenchmarkRun | None:
    """Prepare a draft and start it; what cannot be prepared is told on the run.

    Called twice, the second call finds a prepared run and starts it at most once.
    """
    run = BenchmarkRun.objects.filter(pk=run_id, status=RunStatus.DRAFT).first()
    if run is None:
        return None
    try:
        prepare_run(run)
    except (ValueError, OSError, ImportError) as error:
        logger.warning("benchmark run %s cannot be prepared: %s", run_id, error)
        BenchmarkRun.objects.filter(pk=run_id).update(status_detail=str(error)[:2000])
        return None
    BenchmarkRun.objects.filter(pk=run_id).update(status_detail="")
    start_run(run)
    if run.engine == EngineKind.LOCAL:
        wake_accelerators()
    return run


def launch_in_background(run: BenchmarkRun) -> None:
    """Let a worker prepare and start the run."""
    from benchmarks.tasks import prepare_benchmark

    transaction.on_commit(lambda: prepare_benchmark.delay(run.pk))
