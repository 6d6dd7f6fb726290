"""Workers at accelerators: reporting, choosing what to do next, doing it."""

from __future__ import annotations

import logging
import socket
import time
from dataclasses import dataclass
from functools import partial

from django.conf import settings
from django.utils import timezone

from arena.models import RunStatus
from arena.services.driving import drive_run_chunk
from arena.services.runs import RunStateError, has_claimable_rows, release_dead_leases, stop_run
from arena.work.dispatch import DriveOptions
from benchmarks.hardware import Accelerator, processor
from benchmarks.models import BenchmarkRun, Device, DeviceState
from benchmarks.routing import device_queue
from benchmarks.services.checkpoints import memory_needed_bytes
from benchmarks.services.engines import (
    engine_for,
    is_loaded,
    loaded_checkpoint,
    release_later,
    turn_at_accelerator,
)
from benchmarks.services.libraries import in_words

logger = logging.getLogger(__name__)
GIB = 1 << 30


@dataclass(slots=True)
class Activity:
    """What this process is at; its reporting thread reads it.

    ``device`` None: an ordinary worker on the processor. ``listens``: it serves a queue.
    ``reported_at``: when it last told of itself, on the monotonic clock; 0 when it has not.
    """

    device: Accelerator | None = None
    listens: bool = True
    state: str = DeviceState.IDLE
    run_id: int | None = None
    reported_at: float = 0.0


ACTIVITY = Activity()
REPORT_EVERY_S = 2.0


def report_device(host: str, found: Accelerator, *, listens: bool | None = None) -> Device:
    """Store what a device looks like now and what its worker is at."""
    listens = ACTIVITY.listens if listens is None else listens
    run_id = ACTIVITY.run_id
    values = {
        "name": found.name,
        "kind": found.kind,
        "driver": found.driver,
        "memory_bytes": found.memory_bytes,
        "memory_used_bytes": found.memory_used_bytes,
        "utilisation": found.utilisation,
        "loaded_model": loaded_checkpoint()[:300],
        "state": ACTIVITY.state,
        "run": BenchmarkRun.objects.filter(pk=run_id).first() if run_id else None,
        "queue": device_queue(host, found.slot) if listens else "",
        "seen_at": timezone.now(),
    }
    device, _ = Device.objects.update_or_create(host=host, slot=found.slot, defaults=values)
    return device


def report_processor() -> None:
    """Tell what the processor is at, from an ordinary worker that was given no device.

    It has no thread that reports, so it is asked between its polls. Where a ``gpu_worker`` serves
    the processor, that one reports.
    """
    if ACTIVITY.device is not None or time.monotonic() - ACTIVITY.reported_at < REPORT_EVERY_S:
        return
    ACTIVITY.reported_at = time.monotonic()
    host, found = socket.gethostname()[:60], processor()
    if not Device.objects.alive().filter(host=host, slot=found.slot).exclude(queue="").exists():
        report_device(host, found, listens=False)


def withdraw_processor() -> None:
    """An ordinary worker that has nothing to do is no device that waits."""
    if ACTIVITY.device is None and ACTIVITY.reported_at:
        ACTIVITY.reported_at = 0.0
        Device.objects.filter(host=socket.gethostname()[:60], slot="cpu", queue="").delete()


def next_run(*, more_urgent_than: int | None = None) -> BenchmarkRun | None:
    """The most urgent local run that has rows to claim and fits the device.

    Among equally urgent runs the loaded model's goes first. ``more_urgent_than`` a priority leaves
    out runs of that priority and below.
    """
    runs = BenchmarkRun.objects.waiting_for_accelerators()
    if more_urgent_than is not None:
        runs = runs.filter(priority__gt=more_urgent_than)
    waiting = [run for run in runs if _fits(run) and has_claimable_rows(run)]
    waiting.sort(key=lambda run: (-run.priority, not is_loaded(run.model_args), run.pk))
    return waiting[0] if waiting else None


def is_outranked(run_id: int) -> bool:
    """Whether a more urgent run waits for this device; priorities may change meanwhile."""
    report_processor()
    now = BenchmarkRun.objects.filter(pk=run_id).values_list("priority", flat=True).first()
    return now is not None and next_run(more_urgent_than=now) is not None


def _fits(run: BenchmarkRun) -> bool:
    """Whether the weights fit the device; a run that fits none says so on its page."""
    device = ACTIVITY.device
    if device is None or device.kind != "cuda" or run.model_args.get("device_map"):
        return True
    needed = memory_needed_bytes(run.model_args)
    if needed is None or needed <= device.memory_bytes:
        return True
    largest = max((d.memory_bytes for d in Device.objects.alive()), default=0)
    if needed > largest and not run.status_detail:
        told = (
            f"The weights need about {needed / GIB:.0f} GiB; the largest device has "
            f"{largest / GIB:.0f} GiB. Start a worker that joins several GPUs: manage.py "
            f"gpu_worker --gpus-per-worker {-(-needed // max(largest, 1))}"
        )
        BenchmarkRun.objects.filter(pk=run.pk).update(status_detail=told)
    return False


def work_on_accelerator() -> int:
    """Drive waiting local runs chunk by chunk; returns how many chunks were driven.

    One thread of a process works; a second one finds the turn taken and leaves, for the first
    looks again for runs after it has given the turn back.
    """
    chunks = 0
    while next_run() is not None:
        with turn_at_accelerator() as is_mine:
            if not is_mine:
                return chunks
            try:
                chunks += _work_until_idle()
            finally:
                ACTIVITY.state, ACTIVITY.run_id = DeviceState.IDLE, None
                withdraw_processor()
                release_later(settings.BENCHMARK_KEEP_MODEL_S)
    return chunks


def _work_until_idle() -> int:
    chunks = 0
    while (run := next_run()) is not None:
        ACTIVITY.run_id = run.pk
        if _load(run):
            ACTIVITY.state = DeviceState.WORKING
            options = DriveOptions(gives_way=partial(is_outranked, run.pk))
            drive_run_chunk("benchmark", run.pk, options=options)
        chunks += 1
    return chunks


def _load(run: BenchmarkRun) -> bool:
    """Load the run's model before any row is claimed; a run that cannot have it is stopped."""
    ACTIVITY.state = DeviceState.LOADING
    report_processor()
    try:
        engine_for(run.model_args)
    except Exception as error:  # the border around foreign checkpoints: told on the run
        logger.exception("benchmark run %s: the model cannot be loaded", run.pk)
        reason = f"The model cannot be loaded: {in_words(error)}"[:2000]
        try:
            stop_run(run, reason=reason)
        except RunStateError:  # somebody else has just ended it
            return False
        return False
    if run.status_detail:
        BenchmarkRun.objects.filter(pk=run.pk, status=RunStatus.ACTIVE).update(status_detail="")
    return True


def free_rows_of_dead_workers() -> int:
    """Let a worker that starts take up at once what its killed predecessor held."""
    return sum(release_dead_leases(run) for run in BenchmarkRun.objects.waiting_for_accelerators())
