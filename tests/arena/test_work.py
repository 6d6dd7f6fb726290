"""Rows are the truth, the queue is a hint."""

import asyncio
import datetime as dt
import gc
from dataclasses import replace

import pytest
from django.db import connections
from django.utils import timezone

from arena.models import Answer, GenerationRun, Question, RunStatus, WorkStatus
from arena.services.driving import drive_here, drive_run_chunk
from arena.services.runs import (
    RunStateError,
    enqueue_run,
    finish_if_done,
    release_dead_leases,
    resume_run,
    retry_failed,
    stop_run,
    sweep_runs,
)
from arena.work.dispatch import DriveOptions, _Driver, drive
from arena.work.owner import process_owner
from providers.base import FailureKind, ProviderError

pytestmark = pytest.mark.django_db(transaction=True)
FAST = DriveOptions(poll_s=0.02, retry_base_s=0.0, retry_cap_s=0.0)
DEAD_OWNER = process_owner().rsplit(":", 2)[0] + ":999999999:1"


class Echo:
    """Answers every question with its own text; ``act`` may do something else."""

    in_flight = 4

    def __init__(self, act=None):
        self.act = act
        self.performed = []

    def load(self, ids):
        return list(Answer.objects.filter(pk__in=ids).select_related("question").order_by("id"))

    async def perform(self, item):
        self.performed.append(item.pk)
        if self.act:
            await self.act(item)
        return item.question.external_id

    def failure_columns(self, item):
        return {}

    def columns(self, item, result):
        return {"turns": [result]}

    async def aclose(self):
        pass


@pytest.fixture
def run(question_set, alpha):
    run = GenerationRun.objects.create(question_set=question_set, status=RunStatus.ACTIVE)
    for question in question_set.questions.all():
        Answer.objects.create(question=question, model=alpha, run=run)
    return run


async def elsewhere(change):
    """A change to the database made by somebody else, in another thread and connection."""

    def call():
        change()
        connections.close_all()

    await asyncio.to_thread(call)


async def turns_of_the_loop(count):
    for _ in range(count):
        await asyncio.sleep(0)


def drive_now(run, workload, options=FAST):
    return asyncio.run(drive(run, workload, options=options))


def test_every_row_is_performed_once_and_stored(run):
    workload = Echo()
    report = drive_now(run, workload)
    assert report.done == 6
    assert sorted(workload.performed) == list(run.answers.values_list("pk", flat=True))
    assert {a.turns[0] for a in run.answers.all()} == {f"q{n}" for n in range(6)}


def test_two_claims_never_share_a_row(run):
    first = run.items().claim(limit=4, owner="one", lease_s=60)
    second = run.items().claim(limit=4, owner="two", lease_s=60)
    assert len(first) == 4
    assert len(second) == 2
    assert not set(first) & set(second)


def test_a_row_whose_lease_has_run_out_can_be_claimed_again(run):
    ids = run.items().claim(limit=6, owner="one", lease_s=60)
    assert run.items().claim(limit=6, owner="two", lease_s=60) == []
    run.items().update(lease_expires_at=timezone.now() - dt.timedelta(seconds=1))
    assert run.items().claim(limit=6, owner="two", lease_s=60) == ids


def test_a_worker_thought_dead_cannot_overwrite_its_successors_row(run):
    async def lose_the_lease(item):
        rows = Answer.objects.filter(pk=item.pk)
        await elsewhere(lambda: rows.update(lease_owner="successor/1", turns=["mine"]))

    report = drive_now(run, Echo(lose_the_lease))
    assert report.lost == 6
    assert all(answer.turns == ["mine"] for answer in run.answers.all())


def test_a_retryable_failure_is_tried_again_until_attempts_are_used_up(run):
    async def fail(item):
        raise ProviderError(FailureKind.SERVER_ERROR, "HTTP 500")

    workload = Echo(fail)
    report = drive_now(run, workload)
    assert report.failed == 6
    assert len(workload.performed) == 6 * FAST.max_attempts
    row = run.answers.first()
    assert (row.status, row.error_kind, row.error_detail) == ("failed", "server_error", "HTTP 500")


def costly(act):
    """What an attempt costs stands on the row, whether or not it has a result."""
    workload = Echo(act)
    workload.failure_columns = lambda item: {"input_tokens": 7}
    return workload


def test_a_row_that_waits_for_its_next_attempt_holds_what_the_last_one_cost(run):
    async def fail(item):
        raise ProviderError(FailureKind.SERVER_ERROR, "HTTP 500")

    later = replace(FAST, retry_base_s=1e6, retry_cap_s=1e6, wait_s=0.0)
    drive_now(run, costly(fail), later)
    assert run.answers.filter(status=WorkStatus.PENDING, input_tokens=7).count() == 6


def test_a_row_that_is_given_back_holds_what_it_has_cost(run):
    async def wait(item):
        await elsewhere(lambda: GenerationRun.objects.update(status=RunStatus.STOPPED))
        await asyncio.Event().wait()

    drive_now(run, costly(wait))
    given_back = run.answers.filter(status=WorkStatus.PENDING, attempts=0, lease_owner="")
    assert given_back.filter(input_tokens=7).count() == 6


def test_a_permanent_failure_is_not_tried_again(run):
    async def fail(item):
        raise ProviderError(FailureKind.AUTHENTICATION_FAILED, "HTTP 401")

    workload = Echo(fail)
    drive_now(run, workload)
    assert len(workload.performed) == 6


def test_an_unexpected_error_ends_as_a_stored_reason(run):
    async def fail(item):
        raise ZeroDivisionError("by a bug")

    drive_now(run, Echo(fail))
    row = run.answers.first()
    assert row.error_kind == "internal_error"
    assert "ZeroDivisionError: by a bug" in row.error_detail


def test_a_stopped_run_gives_back_what_was_not_finished(run):
    async def stop_then_hang(item):
        await elsewhere(lambda: GenerationRun.objects.update(status=RunStatus.STOPPED))
        await asyncio.Event().wait()

    report = drive_now(run, Echo(stop_then_hang))
    assert report.was_stopped
    assert run.items().status_counts()[WorkStatus.PENDING] == 6
    assert set(run.answers.values_list("attempts", flat=True)) == {0}


def test_a_run_that_gives_way_finishes_what_is_in_flight_and_frees_the_rest(run):
    workload = Echo()
    workload.in_flight = 2
    asked = asyncio.Event()

    async def wait_until_asked(item):
        await asked.wait()

    def gives_way():
        nonlocal polls
        polls += bool(workload.performed)
        if polls == 2:  # the first answer has been taken to heart
            loop.call_soon_threadsafe(asked.set)
        return polls > 0

    async def driven():
        nonlocal loop
        loop = asyncio.get_running_loop()
        return await drive(run, workload, options=DriveOptions(poll_s=0.0, gives_way=gives_way))

    loop, polls, workload.act = None, 0, wait_until_asked
    report = asyncio.run(driven())
    assert (report.done, report.was_stopped) == (2, False)
    counts = run.items().status_counts()
    assert (counts["done"], counts["pending"], counts["claimed"]) == (2, 4, 0)


def test_a_call_that_fails_because_it_was_told_to_end_is_given_back(run):
    async def stop_then_break(item):
        await elsewhere(lambda: GenerationRun.objects.update(status=RunStatus.STOPPED))
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise RuntimeError("broken off") from None

    drive_now(run, Echo(stop_then_break))
    assert run.items().status_counts()[WorkStatus.PENDING] == 6


def test_a_slow_database_holds_back_calls_whose_results_could_be_lost(run, alpha, monkeypatch):
    for question in range(18):
        asked = Question.objects.create(
            question_set=run.question_set, external_id=f"n{question}", turns=[]
        )
        Answer.objects.create(question=asked, model=alpha, run=run)

    async def think(item):
        await turns_of_the_loop(8)

    workload, unstored = Echo(think), []
    workload.in_flight = 2
    query = _Driver.in_database

    async def query_slowly(driver, call):
        await turns_of_the_loop(20)  # enough to start whatever may be started
        unstored.append(len(workload.performed) - driver.report.done)
        return await query(driver, call)

    monkeypatch.setattr(_Driver, "in_database", query_slowly)
    assert drive_now(run, workload).done == 24
    assert max(unstored) == 4


def test_what_was_loaded_before_the_first_run_is_not_searched_for_garbage(run):
    drive_here(run)
    assert gc.get_freeze_count() > 0


def test_driving_a_finished_run_again_does_nothing(run, monkeypatch):
    workload = Echo()
    monkeypatch.setattr(
        "arena.services.generation.GenerationWorkload.open", lambda _: pytest.fail("opened")
    )
    drive_now(run, workload)
    assert finish_if_done(run)
    assert drive_run_chunk("generation", run.pk) is None


def test_rows_of_a_dead_worker_are_freed_without_waiting_for_the_lease(run):
    run.items().claim(limit=3, owner=DEAD_OWNER, lease_s=3600)
    assert release_dead_leases(run) == 3
    assert run.items().status_counts()[WorkStatus.PENDING] == 6


def test_rows_of_a_living_worker_are_left_alone(run):
    run.items().claim(limit=3, owner=process_owner(), lease_s=3600)
    assert release_dead_leases(run) == 0


def test_a_run_is_enqueued_once_however_often_it_is_asked_for(run):
    sent = []
    assert enqueue_run(run, send=lambda *message: sent.append(message))
    assert not enqueue_run(run, send=lambda *message: sent.append(message))
    assert sent == [("generation", run.pk)]


def test_the_sweep_finds_work_that_a_lost_message_left_behind(run, monkeypatch):
    sent = []
    monkeypatch.setattr("arena.services.runs._send_to_queue", lambda *m: sent.append(m))
    assert sweep_runs() == 1
    assert sweep_runs() == 0
    assert sent == [("generation", run.pk)]


def test_the_sweep_completes_a_run_that_has_nothing_left(run):
    run.items().update(status=WorkStatus.DONE)
    sweep_runs()
    run.refresh_from_db()
    assert run.status == RunStatus.COMPLETED


def test_stop_and_resume_are_refused_in_the_wrong_state(run, monkeypatch):
    monkeypatch.setattr("arena.services.runs._send_to_queue", lambda *_: None)
    stop_run(run)
    with pytest.raises(RunStateError, match="is paused and cannot become paused"):
        stop_run(run)
    resume_run(run)
    with pytest.raises(RunStateError, match="is running and cannot become running"):
        resume_run(run)


def test_failed_rows_get_a_fresh_set_of_attempts(run, monkeypatch):
    monkeypatch.setattr("arena.services.runs._send_to_queue", lambda *_: None)
    run.items().update(status=WorkStatus.FAILED, attempts=3)
    GenerationRun.objects.update(status=RunStatus.COMPLETED)
    assert retry_failed(run) == 6
    assert run.is_active
    assert set(run.answers.values_list("attempts", flat=True)) == {0}


def test_being_told_to_come_back_later_uses_up_no_attempt(run):
    told_off = set()

    async def busy_once(item):
        if item.pk not in told_off:
            told_off.add(item.pk)
            raise ProviderError(FailureKind.RATE_LIMITED, "HTTP 429", retry_after_s=0.01)

    assert drive_now(run, Echo(busy_once)).done == 6
    assert set(run.answers.values_list("attempts", flat=True)) == {1}
