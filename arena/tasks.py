"""Celery's thin rim over the services: a task takes ids, claims, calls a service, ends."""

from celery import shared_task


@shared_task
def sweep_unfinished_runs() -> None:
    """Enqueue every run that has unfinished rows and no worker at them."""
