"""Celery's thin rim: preparing runs, and waking the accelerators."""

from celery import shared_task

from benchmarks.services.accelerators import work_on_accelerator
from benchmarks.services.launching import prepare_and_start


@shared_task(acks_late=True)
def prepare_benchmark(run_id: int) -> None:
    """Build a run's prompts and set it going."""
    prepare_and_start(run_id)


@shared_task
def wake_accelerator() -> None:
    """Work on waiting local runs, the most urgent first, until none has rows left."""
    work_on_accelerator()
