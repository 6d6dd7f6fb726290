"""Workers at accelerators: reporting, being woken, choosing what to do next."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from arena.services.driving import drive_run_chunk
from arena.services.runs import has_claimable_rows
from benchmarks.hardware import Accelerator
from benchmarks.models import BenchmarkRun, Device
from benchmarks.routing import device_queue
from benchmarks.services.engines import loaded_checkpoint

# a chunk each, then the queue is asked again, so that an urgent run does not wait for long
CHUNKS_PER_WAKE = 10_000


def report_device(host: str, found: Accelerator) -> Device:
    """Store what a device looks like now."""
    values = {
        "name": found.name,
        "kind": found.kind,
        "driver": found.driver,
        "memory_bytes": found.memory_bytes,
        "memory_used_bytes": found.memory_used_bytes,
        "utilisation": found.utilisation,
        "loaded_model": loaded_checkpoint()[:300],
        "queue": device_queue(host, found.slot),
        "seen_at": timezone.now(),
    }
    device, _ = Device.objects.update_or_create(host=host, slot=found.slot, defaults=values)
    return device


def next_run() -> BenchmarkRun | None:
    """The most urgent local run that has rows to claim; the loaded model's first among equals."""
    loaded = loaded_checkpoint()
    waiting = [
        run for run in BenchmarkRun.objects.waiting_for_accelerators() if has_claimable_rows(run)
    ]
    waiting.sort(
        key=lambda run: (-run.priority, run.model_args.get("checkpoint") != loaded, run.pk)
    )
    return waiting[0] if waiting else None


def work_on_accelerator() -> int:
    """Drive waiting local runs chunk by chunk; returns how many chunks were driven."""
    for chunks in range(CHUNKS_PER_WAKE):
        run = next_run()
        if run is None:
            return chunks
        drive_run_chunk("benchmark", run.pk)
    return CHUNKS_PER_WAKE


def wake_accelerators() -> int:
    """Tell every living device's own queue that there is work; returns how many were told."""
    from benchmarks.tasks import wake_accelerator

    queues = list(Device.objects.alive().values_list("queue", flat=True))

    def send() -> None:
        for queue in queues:
            wake_accelerator.apply_async(queue=queue)

    transaction.on_commit(send)
    return len(queues)
