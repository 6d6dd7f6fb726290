"""Drafts: prepared once by whichever worker is there, forecast first if wanted, never lost."""

import datetime as dt

import pytest
from django.utils import timezone

from arena.models import RunStatus
from arena.services.runs import RunStateError
from arena.work.owner import process_owner
from benchmarks.models import BenchmarkRun, EngineKind, Intent
from benchmarks.services import launching
from benchmarks.services.launching import (
    discard_draft,
    launch_in_background,
    prepare_and_start,
    start_forecast,
    sweep_preparations,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def sent(monkeypatch, django_capture_on_commit_callbacks):
    found = []
    monkeypatch.setattr("benchmarks.tasks.prepare_benchmark.delay", found.append)
    monkeypatch.setattr("benchmarks.tasks.wake_accelerator.delay", lambda: None)
    return found


@pytest.fixture
def draft(alpha):
    def make(**columns):
        columns = {"selection": ["needle_haystack"], "options": {"limit": 2}} | columns
        return BenchmarkRun.objects.create(
            language_model=alpha, engine=EngineKind.LOCAL, model_args={"checkpoint": "x"}, **columns
        )

    return make


def test_a_forecast_is_made_without_starting_anything(draft):
    run = draft(intent=Intent.FORECAST)
    prepare_and_start(run.pk)
    run.refresh_from_db()
    assert run.is_forecast
    assert run.forecast["samples"] == 2


def test_a_forecast_run_is_started_when_somebody_says_so(draft):
    run = draft(intent=Intent.FORECAST)
    prepare_and_start(run.pk)
    assert start_forecast(run=run).status == RunStatus.ACTIVE


def test_a_draft_is_prepared_and_started(draft):
    run = draft(intent=Intent.START)
    assert prepare_and_start(run.pk).status == RunStatus.ACTIVE
    assert prepare_and_start(run.pk) is None


def test_a_draft_that_another_worker_prepares_is_left_to_it(draft):
    later = timezone.now() + dt.timedelta(minutes=5)
    run = draft(intent=Intent.START, preparing_by="elsewhere:1:1", preparing_until=later)
    assert prepare_and_start(run.pk) is None
    assert run.samples.count() == 0


def test_a_run_that_cannot_be_prepared_says_so_and_stays_a_draft(draft):
    run = draft(selection=["general_mcq:x"], options={})
    assert prepare_and_start(run.pk) is None
    run.refresh_from_db()
    assert run.status == RunStatus.DRAFT
    assert "needs a file" in run.status_detail


def test_an_unforeseen_error_of_a_task_is_told_on_the_run_too(draft, monkeypatch):
    def break_down(_):
        raise AttributeError("no such thing")

    monkeypatch.setattr(launching, "prepare_run", break_down)
    run = draft(intent=Intent.START)
    prepare_and_start(run.pk)
    run.refresh_from_db()
    assert run.status_detail == "AttributeError: no such thing"
    assert run.preparing_until is None


def test_a_draft_whose_message_was_lost_is_sent_again(
    draft, sent, django_capture_on_commit_callbacks
):
    long_ago = timezone.now() - dt.timedelta(minutes=5)
    run = draft(intent=Intent.START, enqueued_at=long_ago)
    with django_capture_on_commit_callbacks(execute=True):
        assert sweep_preparations() == 1
        assert sweep_preparations() == 0
    assert sent == [run.pk]


def test_a_draft_whose_worker_died_is_sent_at_once(draft, sent, django_capture_on_commit_callbacks):
    host = process_owner().partition(":")[0]
    draft(
        intent=Intent.START, enqueued_at=timezone.now(), preparing_by=f"{host}:999999999:1",
        preparing_until=timezone.now() + dt.timedelta(minutes=5),
    )  # fmt: skip
    with django_capture_on_commit_callbacks(execute=True):
        assert sweep_preparations() == 1


@pytest.mark.parametrize("columns", [{}, {"intent": "start", "status_detail": "failed"}])
def test_drafts_that_wait_for_nobody_are_not_sent(draft, sent, columns):
    draft(**columns)
    assert sweep_preparations() == 0


def test_a_draft_stopped_before_its_preparation_can_be_prepared_again(
    draft, sent, django_capture_on_commit_callbacks
):
    run = draft(status=RunStatus.STOPPED)
    with django_capture_on_commit_callbacks(execute=True):
        launch_in_background(run)
    run.refresh_from_db()
    assert run.status == RunStatus.DRAFT
    assert sent == [run.pk]


def test_a_draft_can_be_discarded_and_a_started_run_cannot(draft):
    discard_draft(run=draft())
    assert not BenchmarkRun.objects.exists()
    with pytest.raises(RunStateError, match="stop it instead"):
        discard_draft(run=draft(status=RunStatus.ACTIVE))
