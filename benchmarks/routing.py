"""Which queue a message goes to: local runs to the accelerators' workers, where there are any."""

from __future__ import annotations

from typing import Any

SHARED_QUEUE = "accelerators"
DRIVE_TASK = "arena.tasks.drive_run"


def device_queue(host: str, slot: str) -> str:
    return f"accelerator.{host}.{slot.replace(':', '-')}"


def route_task(
    name: str, args: Any, kwargs: Any, options: Any, task: Any = None, **_: Any
) -> dict[str, str] | None:
    """Celery's router. Without a living accelerator worker the ordinary workers take the run."""
    if name != DRIVE_TASK or not args or args[0] != "benchmark":
        return None
    from benchmarks.models import BenchmarkRun, Device, EngineKind

    is_local = BenchmarkRun.objects.filter(pk=args[1], engine=EngineKind.LOCAL).exists()
    if is_local and Device.objects.alive().exists():
        return {"queue": SHARED_QUEUE}
    return None
