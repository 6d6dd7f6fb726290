"""Driving a run: one claim, one generator process per part, counters shared through the row.

The generator is a child of whoever drives, a worker or ``manage.py run_speed``, never of the web
server: restarting the web changes nothing. A driver holds a lease. When it dies, its generator
notices within a second, writes what it has measured, and the sweep finds the file.
"""

from __future__ import annotations

import datetime as dt
import logging
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any  # arguments of finish

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from arena.work.owner import process_owner
from speed.generator.progress import Counters
from speed.models import SpeedRun, SpeedStatus
from speed.plan import Phase, Plan, PlanError
from speed.runner import ChildRun, GeneratorError, GeneratorRun
from speed.services.finishing import NothingMeasuredError, finish, store_part
from speed.services.planning import (
    REFUSALS,
    Side,
    allowed_origins,
    generator_cpu,
    phases_of,
    prepare_requests,
    resolve_side,
)
from speed.services.starting import send_to_queue
from speed.spec import SpeedSpec, spec_from_json
from speed.stamps import StampFileError

logger = logging.getLogger(__name__)
Watch = Callable[[Counters], None]

POLL_S = 0.2
LEASE_S = 20.0
KEPT_SAMPLES = 240
SAMPLE_EVERY_S = 0.5
DRAIN_ALLOWANCE_S = 60.0
NS = 1e9
FAILURES = (*REFUSALS, GeneratorError, StampFileError, NothingMeasuredError, PlanError, OSError)


@dataclass(slots=True)
class Driver:
    """What one claim holds. ``parts`` counts the stamp files written so far.

    ``stop_reason`` is the child's own reason to have ended before everything was done.
    """

    run: SpeedRun
    spec: SpeedSpec
    folder: Path
    watch: Watch | None = None
    parts: int = 0
    stop_reason: str = ""
    samples: list[dict[str, float]] | None = None
    _sampled_at: float = 0.0
    _before: Counters | None = None

    def measure(self, sides: list[Side], phases: list[Phase]) -> int:
        """Carry out one plan; the number of the part that was stored."""
        part = self.parts
        folder = self.folder / str(part)
        folder.mkdir(parents=True)
        targets = prepare_requests(self.spec, sides, phases, folder)
        plan = Plan(
            targets=targets,
            phases=phases,
            requests_path=targets[0].requests_path or "",
            output_path=str(folder / "run.stamps"),
            progress_path=str(folder / "progress"),
            run_id=f"{self.run.pk}-{part}",
            seed=self.spec.seed + part,
            timeout_s=self.spec.timeout_s,
            lease_s=settings.SPEED_MAX_DURATION_S + DRAIN_ALLOWANCE_S,
            cpu=generator_cpu(),
            tokenizer_path=self.spec.tokenizer_path or None,
        )
        with GeneratorRun(plan) as generator:
            self.follow(generator)
        self.parts += 1
        store_part(run=self.run, part=part, path=Path(plan.output_path), sides=sides)
        return part

    def follow(self, child: ChildRun) -> None:
        """Share what the child tells until it is done, and pass on the wish to stop."""
        is_asked = False
        while child.is_running:
            if not is_asked and self.is_stop_wanted():
                child.stop()
                is_asked = True
            self.publish(child.progress())
            time.sleep(POLL_S)
        reason = str(child.wait()["stop_reason"])
        self.stop_reason = "" if reason == "completed" else reason
        self.publish(child.progress(), is_last=True)

    def is_stop_wanted(self) -> bool:
        """Whether the row says so, or is no longer ours."""
        mine = SpeedRun.objects.filter(pk=self.run.pk, lease_owner=self.run.lease_owner)
        return not mine.filter(status=SpeedStatus.RUNNING, is_stop_wanted=False).exists()

    def publish(self, counters: Counters | None, *, is_last: bool = False) -> None:
        """Share the counters with the page, and renew the lease."""
        now = time.monotonic()
        if counters is None or (now - self._sampled_at < SAMPLE_EVERY_S and not is_last):
            return
        self._sampled_at = now
        if self.watch is not None:
            self.watch(counters)
        self.samples = [*(self.samples or []), sample_of(counters, self._before, self.parts)]
        self.samples = self.samples[-KEPT_SAMPLES:]
        self._before = None if is_last else counters
        SpeedRun.objects.filter(pk=self.run.pk, lease_owner=self.run.lease_owner).update(
            progress={**self.samples[-1], "samples": self.samples},
            lease_expires_at=timezone.now() + dt.timedelta(seconds=LEASE_S),
        )


def sample_of(counters: Counters, before: Counters | None, part: int) -> dict[str, float]:
    """Counters in words; rates since the reading before."""
    past = before or Counters()
    seconds = (counters.elapsed_ns - past.elapsed_ns) / NS
    answered = counters.first_byte_count
    return {
        "at_s": round(counters.elapsed_ns / NS, 3),
        "part": part,
        "phase": counters.phase,
        "in_flight": counters.in_flight,
        "issued": counters.issued,
        "done": counters.completed,
        "failed": counters.failed,
        "per_s": round((counters.completed - past.completed) / seconds, 2) if seconds > 0 else 0.0,
        "ttft_s": round(counters.first_byte_sum_ns / answered / NS, 5) if answered else 0.0,
    }


def claim(run_id: int) -> SpeedRun | None:
    """Take a waiting run for this process; None when it is gone or this machine is busy.

    The database's constraint is the arbiter: two runs on one machine would measure each other.
    """
    now = timezone.now()
    owner = process_owner()
    try:
        with transaction.atomic():
            taken = SpeedRun.objects.filter(pk=run_id, status=SpeedStatus.QUEUED).update(
                status=SpeedStatus.RUNNING,
                lease_owner=f"{owner}/{run_id}",
                host=owner.partition(":")[0],
                lease_expires_at=now + dt.timedelta(seconds=LEASE_S),
                started_at=now,
                enqueued_at=None,
            )
    except IntegrityError:
        return None
    return SpeedRun.objects.get(pk=run_id) if taken else None


def claim_and_drive(run_id: int, watch: Watch | None = None) -> SpeedRun | None:
    """Claim a run, measure, store, and pass the machine on to the next one that waits."""
    run = claim(run_id)
    if run is None:
        return None
    try:
        drive(run, watch)
    finally:
        waiting = SpeedRun.objects.filter(status=SpeedStatus.QUEUED).order_by("id").first()
        if waiting is not None:
            send_to_queue(waiting.pk)
    run.refresh_from_db()
    return run


def drive(run: SpeedRun, watch: Watch | None = None) -> None:
    """Measure a claimed run; whatever goes wrong ends as its status with a reason."""
    folder = work_folder(run)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        driver = Driver(run, spec_from_json(run.spec), folder, watch)
        MODES[driver.spec.mode](driver)
        finish(run=run, **ending_of(driver))
    except FAILURES as error:
        logger.warning("speed run %s failed: %s", run.pk, error)
        finish(run=run, status=SpeedStatus.FAILED, detail=str(error))
    shutil.rmtree(folder, ignore_errors=True)


def ending_of(driver: Driver) -> dict[str, Any]:
    """Status and detail: a run that was ended from outside, or by its lease, is not complete."""
    if SpeedRun.objects.filter(pk=driver.run.pk, is_stop_wanted=True).exists():
        return {"status": SpeedStatus.STOPPED}
    if driver.stop_reason:
        return {"status": SpeedStatus.STOPPED, "detail": driver.stop_reason}
    return {"status": SpeedStatus.COMPLETED}


def work_folder(run: SpeedRun) -> Path:
    """Where the files of a run lie while it goes."""
    return Path(settings.SPEED_WORK_DIR) / f"run-{run.pk}"


def drive_load(driver: Driver) -> None:
    """All levels, or all turns of an interleaved comparison, in one plan."""
    origins = allowed_origins()
    sides = [resolve_side(target, origins) for target in driver.spec.targets]
    driver.measure(sides, phases_of(driver.spec))


def drive_search(driver: Driver) -> None:
    """Level after level until the highest that holds the objective is known."""
    from speed.services.searching import search_highest

    search_highest(driver)


def drive_calibration(driver: Driver) -> None:
    """Against the mock, whose own record tells what a perfect client would have seen."""
    from speed.services.calibrating import calibrate

    calibrate(driver)


def drive_in_process(driver: Driver) -> None:
    """A model in a child process instead of requests to an endpoint."""
    from speed.services.local import measure_locally

    measure_locally(driver)


MODES: dict[str, Callable[[Driver], None]] = {
    "load": drive_load,
    "interleaved": drive_load,
    "search": drive_search,
    "calibration": drive_calibration,
    "in_process": drive_in_process,
}
