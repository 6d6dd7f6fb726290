"""Celery's thin rim over the services."""

from celery import shared_task

from judging.people_kept import renew


@shared_task(ignore_result=True, expires=600)
def renew_people_figures(*, include_demo: bool) -> None:
    """Work out people against judges and keep the figures; twice does no harm."""
    renew(include_demo=include_demo)
