"""Pause, resume and cancel: on the page, as JSON, in the terminal and from Python."""

import io
import json

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from arena.models import RunStatus, WorkStatus
from arena.services.driving import drive_run_chunk
from arena.services.runs import (
    RunStateError,
    cancel_run,
    resume_run,
    retry_failed,
    start_run,
    stop_run,
    sweep_runs,
)
from judging.models import JudgeRun
from judging.services.judge_runs import create_judge_run

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def run(spec, monkeypatch):
    """A judge run of 36 judgments that is going on, with nobody at it."""
    monkeypatch.setattr("arena.services.runs._send_to_queue", lambda *_: None)
    return start_run(create_judge_run(spec()))


def status():
    return JudgeRun.objects.order_by("id").first().status


def ask(client, run, action, **headers):
    address = reverse("run_action", args=["judging", run.pk, action])
    return client.post(address, headers=headers)


@pytest.mark.parametrize("again", [resume_run, stop_run, cancel_run, start_run, retry_failed])
def test_a_cancelled_run_is_over_for_good(run, again):
    run.judgments.filter(pk=run.judgments.first().pk).update(status=WorkStatus.FAILED)
    cancel_run(run)
    with pytest.raises(RunStateError):
        again(run)
    assert sweep_runs() == 0
    assert drive_run_chunk("judging", run.pk) is None
    assert (status(), run.judgments.unfinished().count()) == (RunStatus.CANCELLED, 35)


def test_a_paused_run_can_be_cancelled(run):
    cancel_run(stop_run(run))
    assert status() == RunStatus.CANCELLED


def test_a_new_run_takes_over_what_a_cancelled_one_left(run, spec, decide):
    run.judgments.filter(pk=run.judgments.first().pk).update(
        status=WorkStatus.DONE, is_readable=True, outcome="tie"
    )
    cancel_run(run)
    after = decide(spec())
    assert (after.status, after.reused, after.judgments.count()) == (RunStatus.COMPLETED, 1, 35)


def test_the_page_offers_what_is_possible_and_does_it(run, admin_client):
    page = reverse("run_detail", args=["judging", run.pk])

    def offered():
        html = admin_client.get(page).content.decode()
        return [word for word in ("Pause", "Resume", "Cancel") if f">{word}</button>" in html]

    assert offered() == ["Pause", "Cancel"]
    ask(admin_client, run, "pause")
    assert (status(), offered()) == (RunStatus.STOPPED, ["Resume", "Cancel"])
    ask(admin_client, run, "resume")
    assert (status(), offered()) == (RunStatus.ACTIVE, ["Pause", "Cancel"])
    ask(admin_client, run, "cancel")
    assert (status(), offered()) == (RunStatus.CANCELLED, [])
    assert "cancelled" in admin_client.get(page).content.decode()


def test_a_program_gets_progress_as_json_and_a_conflict_where_it_is_not_possible(run, admin_client):
    told = ask(admin_client, run, "cancel", accept="application/json").json()
    assert (told["status"], told["waiting"]) == ("cancelled", 36)
    refused = ask(admin_client, run, "resume", accept="application/json")
    assert refused.status_code == 409
    assert "is cancelled and cannot become running" in refused.json()["detail"]


def test_only_staff_may(run, client):
    assert ask(client, run, "cancel").status_code in (302, 403)
    assert status() == RunStatus.ACTIVE


def test_in_the_terminal(run):
    def control(action, *more):
        out = io.StringIO()
        call_command("control_run", action, "judging", str(run.pk), *more, stdout=out)
        return out.getvalue()

    assert "0 of 36 done" in control("show")
    assert control("pause").startswith("Paused.")
    assert json.loads(control("resume", "--json"))["status"] == "active"
    assert control("cancel").startswith("Cancelled for good.")
    with pytest.raises(CommandError, match="cannot become running") as error:
        control("resume")
    assert error.value.returncode == 1
    with pytest.raises(CommandError, match="there is no judging run 99"):
        call_command("control_run", "pause", "judging", "99")
    with pytest.raises(CommandError, match="no kind of run named 'cooking'"):
        call_command("control_run", "pause", "cooking", "1")
