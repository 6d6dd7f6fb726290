"""Which message tells whom about a local run: every accelerator's worker by its own queue."""

from __future__ import annotations


def device_queue(host: str, slot: str) -> str:
    return f"accelerator.{host}.{slot.replace(':', '-')}"


def send_benchmark(run_id: int) -> None:
    """Tell the workers that a run has rows to work on.

    Each living accelerator is told by its own queue, so that all share the run; where there is
    none, an ordinary worker takes it on the processor. A run over an endpoint is ordinary work.
    """
    from arena.tasks import drive_run
    from benchmarks.models import BenchmarkRun, Device, EngineKind
    from benchmarks.tasks import wake_accelerator

    if not BenchmarkRun.objects.filter(pk=run_id, engine=EngineKind.LOCAL).exists():
        drive_run.delay("benchmark", run_id)
        return
    listening = Device.objects.alive().exclude(queue="")
    queues = list(listening.values_list("queue", flat=True))
    for queue in queues:
        wake_accelerator.apply_async(queue=queue)
    if not queues:
        wake_accelerator.delay()
