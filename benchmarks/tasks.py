"""Celery's thin rim: preparing runs, reading the catalogue, and waking the accelerators."""

from celery import shared_task

from benchmarks.services.accelerators import work_on_accelerator
from benchmarks.services.launching import prepare_and_start
from benchmarks.services.launching import sweep_preparations as sweep
from benchmarks.services.task_names import read_catalogue


@shared_task(acks_late=True)
def prepare_benchmark(run_id: int) -> None:
    """Build a run's prompts and set it going, if that is wanted."""
    prepare_and_start(run_id)


@shared_task(ignore_result=True, expires=30)
def sweep_preparations() -> None:
    """Find drafts that wait for a preparation nobody is at."""
    sweep()


@shared_task
def wake_accelerator() -> None:
    """Work on waiting local runs, the most urgent first, until none has rows left."""
    work_on_accelerator()


@shared_task(ignore_result=True, expires=60)
def read_task_catalogue() -> None:
    """Read lm-eval's task definitions once, so that pages find them."""
    read_catalogue()
