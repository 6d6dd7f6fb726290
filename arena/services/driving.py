"""One chunk of a run, from a queue worker or from a command."""

from __future__ import annotations

import asyncio
import gc
from functools import cache

import uvloop

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
    _spare_the_collector()
    workload = kind_of(run).open_workload(run)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(drive(run, workload, options=options))


@cache
def _spare_the_collector() -> None:
    """Once per process: what has been loaded by now lives as long as the process does.

    A full collection would walk all of it again and again, a tenth of a second in which no call
    of a run gets on. What a run makes goes when its last reference does, so that looking for
    cycles can wait for more of it.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)
