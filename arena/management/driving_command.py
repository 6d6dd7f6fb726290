"""What commands that start runs share: working on the run here, beside any workers, and telling.

The run is driven in a thread of its own while the main thread watches its rows, so that Ctrl-C
can stop it in order. Exit codes: 0 all done, 1 some rows failed, 2 wrong usage, 3 nothing to do,
130 stopped.
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from typing import Any

from django.core.management import BaseCommand, CommandError
from django.db import connections
from tqdm import tqdm

from arena.models import Run, RunStatus
from arena.run_progress import RunProgress, failure_groups, run_progress
from arena.services.driving import drive_run_chunk
from arena.services.going_on import take_up
from arena.services.runs import (
    AnyRun,
    RunStateError,
    finish_if_done,
    release_dead_leases,
    stop_run,
    wind_up,
)
from arena.work.kinds import kind_of

SOME_FAILED, USAGE, NOTHING_TO_DO, STOPPED = 1, 2, 3, 130
WATCH_EVERY_S = 0.25
REST_S = 0.5  # while other workers hold the rest, or a row has to wait for its next attempt


class DrivingCommand(BaseCommand):
    """A command that starts runs and works on them."""

    def add_driving_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print a report as JSON")
        parser.add_argument(
            "--no-wait", action="store_true", help="leave the run to the workers and return"
        )

    def go_on_with(self, begun: Sequence[AnyRun], options: Mapping[str, Any]) -> AnyRun | None:
        """Work on runs that an earlier call of the same command began and did not end.

        The last of them; with ``--no-wait`` they are left to the workers.
        """
        if options["no_wait"]:
            return None
        for run in begun:
            if not options["json"]:
                self.stdout.write(f"going on with run {run.pk}, which was not finished")
            take_up(run)
            self.work_on(run)
        return begun[-1] if begun else None

    def work_on(self, run: Run) -> RunProgress:
        """Drive the run until no row is left; raises CommandError with code 130 when stopped."""
        is_leaving = Event()
        pool = ThreadPoolExecutor(1, "drive")
        driving = pool.submit(drive_to_the_end, run, is_leaving)
        try:
            with _bar(run) as show:
                self._watch(run, driving, show)
        except KeyboardInterrupt:
            is_leaving.set()
            _stop(run)
            driving.result()
            raise CommandError(self._stopped(run), returncode=STOPPED) from None
        finally:
            is_leaving.set()
            pool.shutdown()
        run.refresh_from_db()
        progress = run_progress(run)
        if run.status in (RunStatus.STOPPED, RunStatus.CANCELLED):
            raise CommandError(self._stopped(run), returncode=STOPPED)
        return progress

    def _watch(self, run: Run, driving: Future[None], show: Any) -> None:  # a tqdm update
        while not driving.done():
            show(run_progress(run))
            _pause(driving)
        show(run_progress(run))
        driving.result()

    def _stopped(self, run: Run) -> str:
        run.refresh_from_db()
        progress = run_progress(run)
        why = f" ({run.status_detail})" if run.status_detail else ""
        is_final = run.status == RunStatus.CANCELLED
        ended = f" {told}." if is_final and (told := wind_up(run)) else ""
        again = "" if is_final else f", or resume run {run.pk} on its page"
        return (
            f"{'cancelled' if is_final else 'paused'}{why}: {progress.done} of {progress.total} "
            f"are done and kept. Run the same command again to do the rest{again}.{ended}"
        )

    def report(self, run: Run, told: Mapping[str, Any], *, as_json: bool) -> None:
        """Print what came of the run; ends with code 1 when rows failed."""
        progress = run_progress(run)
        failures = failure_groups(run)
        if as_json:
            groups = [{"kind": f.kind, "count": f.count, "example": f.example} for f in failures]
            report = {**progress.as_json(), **told, "failures": groups}
            self.stdout.write(json.dumps(report, ensure_ascii=False, indent=2))
        else:
            for name, value in told.items():
                if value not in (None, {}, []):
                    self.stdout.write(f"{name.replace('_', ' ')}: {value}")
            self.stdout.write(f"{progress.done} of {progress.total} done, {progress.failed} failed")
        if failures:
            reasons = "; ".join(f"{f.count} × {f.kind}: {f.example[:200]}" for f in failures)
            raise CommandError(
                f"{progress.failed} of {progress.total} failed: {reasons}. Run the same command "
                "again to try them anew.",
                returncode=SOME_FAILED,
            )

    def report_started(self, run: Run, *, as_json: bool) -> None:
        """Print what was started and is left to the workers."""
        if as_json:
            self.stdout.write(json.dumps(run_progress(run).as_json(), ensure_ascii=False))
        else:
            self.stdout.write(f"started {kind_of(run).label} {run.pk}; the workers go on with it")


def drive_to_the_end(run: Run, is_leaving: Event) -> None:
    """Chunk after chunk until the run is over; called in a thread with its own connection."""
    kind = kind_of(run)
    runs = kind.model._default_manager.filter(pk=run.pk, status=RunStatus.ACTIVE)
    try:
        while not is_leaving.is_set():
            release_dead_leases(run)
            report = drive_run_chunk(kind.name, run.pk)
            if report is None or not runs.exists():
                return
            if not finish_if_done(run):
                is_leaving.wait(REST_S)
    finally:
        connections.close_all()


def _pause(driving: Future[None]) -> None:
    """Until the next look at the rows, or until the driver has ended."""
    ended = Event()
    driving.add_done_callback(lambda _: ended.set())
    ended.wait(WATCH_EVERY_S)


def _stop(run: Run) -> None:
    try:
        stop_run(run, reason="stopped on the command line")
    except RunStateError:
        run.refresh_from_db()  # it came to its end, or somebody else stopped it


@contextmanager
def _bar(run: Run) -> Iterator[Any]:  # tqdm carries no types
    """A function that shows a run's progress on the terminal, if there is one."""
    label = str(kind_of(run).label)
    with tqdm(total=None, desc=label, file=sys.stderr, disable=None, unit="row") as bar:

        def show(progress: RunProgress) -> None:
            bar.total = progress.total
            if progress.failed:
                bar.set_postfix(failed=progress.failed, refresh=False)
            bar.update(progress.finished - bar.n)

        yield show
