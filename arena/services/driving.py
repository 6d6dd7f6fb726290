"""One chunk of a run, from a queue worker or from a command."""

from __future__ import annotations

import asyncio

import uvloop

from arena.collector import spare_the_collector
from arena.models import Run, RunStatus
from arena.services.runs import enqueue_run, finish_if_done, has_claimable_rows
from arena.work.dispatch import DriveOptions, DriveReport, drive
from arena.work.kinds import kind_of, run_kind


def drive_run_chunk(
    kind_name: str, run_id: int, *, options: DriveOptions | None = None
) -> DriveReport | None:
    """Work on the run until its chunk of time is over; None when it is not to be worked on.

    Called twice for the same run at once, the two share the rows between them.
    """
    kind = run_kind(kind_name)
    run = kind.model._default_manager.filter(pk=run_id, status=RunStatus.ACTIVE).first()
    if run is None:
        return None
    kind.model._default_manager.filter(pk=run_id).update(enqueued_at=None)
    report = drive_here(run, options=options)
    if not report.was_stopped and not finish_if_done(run) and has_claimable_rows(run):
        enqueue_run(run)
    return report


def drive_here(run: Run, *, options: DriveOptions | None = None) -> DriveReport:
    """Work on the run in this thread."""
    spare_the_collector()
    workload = kind_of(run).open_workload(run)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(drive(run, workload, options=options))
