"""Celery's thin rim over the services: a task takes ids, claims, calls a service, ends."""

from celery import shared_task

from arena.keeping import keeper
from arena.services.driving import drive_run_chunk
from arena.services.runs import sweep_runs, wind_up
from arena.voting.forgetting import forget_expired_sessions, forget_idle_visitors
from arena.voting.releasing import make_release, sweep_releases
from arena.voting.rendering_ahead import AHEAD
from arena.voting.review import review_voters
from arena.work.kinds import run_kind


@shared_task(acks_late=True)
def drive_run(kind: str, run_id: int) -> None:
    """Work on one run for a while; puts a new message into the queue when rows are left."""
    drive_run_chunk(kind, run_id)


@shared_task(acks_late=True)
def wind_up_run(kind: str, run_id: int) -> None:
    """End what a cancelled run has begun elsewhere."""
    run = run_kind(kind).model._default_manager.filter(pk=run_id).first()
    if run is not None:
        wind_up(run)


@shared_task(ignore_result=True, expires=30)
def sweep_unfinished_runs() -> None:
    """Enqueue every run, and every release of votes, that is unfinished and has no worker at it."""
    sweep_runs()
    for release_id in sweep_releases():
        make_vote_release.delay(release_id)


@shared_task(ignore_result=True, expires=300)
def review_votes() -> None:
    """Mark the votes of voters whom the outlier test or the control questions single out."""
    review_voters()


@shared_task(ignore_result=True, expires=15)
def render_answers_ahead() -> None:
    """Render what voters may be shown and nobody has rendered yet, for a while."""
    AHEAD.go_on()


@shared_task(ignore_result=True, expires=3600)
def forget_visitors(after: int = 0) -> None:
    """Remove visitors who left nothing behind, for a while; puts a new message into the queue when
    voters are left to look at.
    """
    _, looked_at = forget_idle_visitors(after=after)
    if looked_at is not None:
        forget_visitors.delay(looked_at)


@shared_task(ignore_result=True, expires=3600)
def clear_sessions() -> None:
    """Remove sessions past their time, for a while; puts a new message into the queue as well."""
    _, is_all = forget_expired_sessions()
    if not is_all:
        clear_sessions.delay()


@shared_task(acks_late=True)
def make_vote_release(release_id: int) -> None:
    """Write the file of a release that was asked for."""
    make_release(release_id)


@shared_task(ignore_result=True, expires=600)
def renew_figures(name: str) -> None:
    """Work out what a keeper keeps; twice does no harm."""
    keeper(name).renew()
