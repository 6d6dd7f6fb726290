"""A cancelled run takes back the batches that it has sent, and keeps what they brought."""

import datetime as dt
import io

import pytest
from django.core.management import call_command
from django.utils import timezone

from arena import tasks
from arena.models import Endpoint, RunStatus, WorkStatus
from arena.services.generation import EmptyRunError
from arena.services.runs import cancel_run, stop_run, sweep_runs
from judging import api
from judging.models import JudgeBatch
from judging.runs import judge_run_facts
from judging.services.judge_runs import create_judge_run, start_judge_run
from judging.spending import spent_by
from judging.withdrawing import runs_to_withdraw, withdraw_batches

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def told_to_wind_up(monkeypatch):
    """The messages that workers get about cancelled runs; nobody reads them."""
    sent = []
    monkeypatch.setattr(tasks.wind_up_run, "delay", lambda *told: sent.append(told))
    return sent


@pytest.fixture
def sent(batched, chunk, told_to_wind_up):
    """A run of six questions whose 36 requests are out in one batch."""
    return chunk(start_judge_run(batched()))


def said_of(run):
    return dict(judge_run_facts(run))["Withdrawn batches"]


def test_a_cancelled_run_has_its_batch_ended_by_the_endpoint(sent, batches, told_to_wind_up):
    cancel_run(sent)
    assert told_to_wind_up == [("judging", sent.pk)]
    tasks.wind_up_run(*told_to_wind_up[0])
    assert batches.batches["batch-0"]["status"] == "cancelling"
    assert said_of(sent) == "Batches still to be withdrawn from the endpoint: 1 of 1"
    batches.finish_batches()
    withdraw_batches(sent)
    assert said_of(sent) == "Requests answered before the end, and kept: 0 of 36"
    assert sent.judgments.filter(status=WorkStatus.PENDING, attempts=0).count() == 36


def test_what_was_answered_by_then_is_billed_and_stored(sent, batches):
    batches.answered_all_the_same = 10
    api.cancel_run(sent)
    assert sent.judgments.readable().count() == 0
    batches.finish_batches()
    withdraw_batches(sent)
    assert sent.judgments.readable().count() == 10
    for row in sent.judgments.readable():
        full = (row.input_tokens + 2 * row.output_tokens) / 1e6
        assert row.cost_usd == pytest.approx(full / 2)
    assert spent_by(sent).calls == 10
    assert said_of(sent).endswith("kept: 10 of 36")
    assert not runs_to_withdraw().exists()
    sent.refresh_from_db()
    assert sent.status == RunStatus.CANCELLED


def test_a_new_run_waits_for_the_end_and_then_asks_only_what_is_missing(
    sent, batched, batches, chunk
):
    batches.answered_all_the_same = 10
    api.cancel_run(sent)
    with pytest.raises(EmptyRunError, match="in a batch that a paused or cancelled run has sent"):
        create_judge_run(batched())
    batches.finish_batches()
    withdraw_batches(sent)
    again = chunk(start_judge_run(batched()))
    assert [b["request_counts"]["total"] for b in batches.batches.values()] == [36, 26]
    assert again.reused == 10


def test_a_batch_that_was_finished_already_is_read_and_not_cancelled(sent, batches):
    batches.finish_batches()
    api.cancel_run(sent)
    assert batches.batches["batch-0"]["status"] == "completed"
    assert sent.judgments.readable().count() == 36


def test_the_rows_of_a_paused_run_are_not_asked_about_twice(sent, batched):
    stop_run(sent)
    with pytest.raises(EmptyRunError, match="in a batch that a paused or cancelled run has sent"):
        create_judge_run(batched())
    JudgeBatch.objects.update(created_at=timezone.now() - dt.timedelta(hours=26))
    assert create_judge_run(batched()).judgments.count() == 36


def test_the_same_command_goes_on_with_a_paused_run_whose_batch_is_out(sent, batches):
    stop_run(sent)
    batches.finish_batches()
    sent.judgments.update(not_before=None)
    out = io.StringIO()
    asked = ["--set", "set", "--judge", "chat", "--mode", "pairs", "--batch", "--yes"]
    call_command("judge", *asked, stdout=out)
    assert out.getvalue().startswith(f"going on with run {sent.pk}")
    assert "36 of 36 done" in out.getvalue()
    assert len(batches.batches) == 1


def test_the_sweep_goes_on_until_the_batch_has_ended(sent, batches, told_to_wind_up):
    cancel_run(sent)
    assert sweep_runs() == 0  # a worker was told a moment ago
    type(sent).objects.update(enqueued_at=None)
    assert sweep_runs() == 1
    assert len(told_to_wind_up) == 2
    batches.finish_batches()
    withdraw_batches(sent)
    type(sent).objects.update(enqueued_at=None)
    assert sweep_runs() == 0


def test_the_terminal_tells_what_came_of_it(sent, batches):
    out = io.StringIO()
    call_command("control_run", "cancel", "judging", str(sent.pk), stdout=out)
    assert "Batches still to be withdrawn from the endpoint: 1 of 1" in out.getvalue()
    assert batches.batches["batch-0"]["status"] == "cancelling"


def test_a_batch_whose_id_was_lost_in_a_crash_is_ended_too(sent, batches):
    JudgeBatch.objects.update(batch_id="")
    api.cancel_run(sent)
    assert batches.batches["batch-0"]["status"] == "cancelling"


def test_a_batch_that_never_arrived_is_given_up_after_a_while(sent):
    JudgeBatch.objects.update(batch_id="", label="agon-lost")
    api.cancel_run(sent)
    assert runs_to_withdraw().exists()  # it may still be on its way
    JudgeBatch.objects.update(created_at=timezone.now() - dt.timedelta(minutes=11))
    withdraw_batches(sent)
    assert JudgeBatch.objects.get().state == "unsent"
    assert not runs_to_withdraw().exists()


def test_an_endpoint_that_cannot_be_reached_is_named_and_tried_again(sent, batches):
    Endpoint.objects.update(base_url="http://127.0.0.1:9")
    api.cancel_run(sent)
    assert "1 of 1. connection_failed" in said_of(sent)
    assert runs_to_withdraw().exists()
    Endpoint.objects.update(base_url=batches.url)
    sent.refresh_from_db()
    batches.answered_all_the_same = 36
    withdraw_batches(sent)
    batches.finish_batches()
    withdraw_batches(sent)
    assert sent.judgments.readable().count() == 36


def test_a_batch_older_than_any_can_be_is_settled_whatever_the_endpoint_says(sent):
    Endpoint.objects.update(base_url="http://127.0.0.1:9")
    JudgeBatch.objects.update(created_at=timezone.now() - dt.timedelta(hours=26))
    api.cancel_run(sent)
    assert not runs_to_withdraw().exists()


def test_a_judge_that_can_no_longer_be_built_is_told(sent, chat_judge):
    chat_judge.settings = {"luck": 1}
    chat_judge.save()
    sent.refresh_from_db()
    api.cancel_run(sent)
    assert "no setting 'luck'" in said_of(sent)


def test_rows_that_a_worker_still_holds_are_looked_at_again(sent, batches):
    later = timezone.now() + dt.timedelta(minutes=1)
    first = sent.judgments.first().pk
    held = sent.judgments.filter(pk=first)
    batches.finish_batches()
    cancel_run(sent)
    held.update(status=WorkStatus.CLAIMED, lease_owner="elsewhere:1:1/x", lease_expires_at=later)
    withdraw_batches(sent)
    assert sent.judgments.readable().count() == 35
    held.update(lease_expires_at=timezone.now())
    withdraw_batches(sent)
    assert sent.judgments.readable().count() == 36
    assert not runs_to_withdraw().exists()
