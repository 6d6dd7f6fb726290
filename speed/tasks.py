"""Celery's thin rim over the services."""

from celery import shared_task

from speed.services.driving import claim_and_drive
from speed.services.sweeping import sweep


@shared_task(acks_late=True)
def drive_speed_run(run_id: int) -> None:
    """Measure, if the run still waits and this machine is free."""
    claim_and_drive(run_id)


@shared_task(ignore_result=True, expires=30)
def sweep_speed_runs() -> None:
    """Finish the runs of dead workers and queue what waits."""
    sweep()
