"""The whole way through a real server, and through everything that can go wrong on it."""

import io
import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from django.core.management import call_command
from django.urls import reverse

from arena.models import Answer, Question, RunStatus, WorkStatus
from arena.services.driving import drive_run_chunk
from arena.services.runs import cancel_run, resume_run, start_run, stop_run, sweep_runs
from arena.work.dispatch import DriveOptions
from judging.models import JudgeRun, Judgment
from judging.services.judge_runs import create_judge_run, start_judge_run
from leaderboard.models import Board
from tests.judging.worker_process import Installation, kill_hard, wait_until
from tests.openai_server import Fault, every, first_attempts, no_fault

pytestmark = pytest.mark.django_db(transaction=True)
PATIENT = DriveOptions(poll_s=0.02, retry_base_s=0.0, retry_cap_s=0.0, max_attempts=10)


@pytest.fixture
def no_queue(monkeypatch):
    monkeypatch.setattr("arena.services.runs._send_to_queue", lambda *_: None)


@pytest.fixture
def competitors(alpha, beta, gamma, endpoint):
    for model in (alpha, beta, gamma):
        model.endpoint = endpoint
        model.save()
    return (alpha, beta, gamma)


def told_by(*arguments):
    out = io.StringIO()
    call_command(*arguments, "--json", stdout=out)
    return json.loads(out.getvalue())


@pytest.mark.usefixtures("no_queue", "competitors", "chat_judge", "question_set")
def test_from_questions_to_a_board(client, served):
    generated = told_by("generate_answers", "--set", "set", "--models", "alpha", "beta", "gamma")
    assert (generated["done"], generated["failed"]) == (18, 0)
    judged = ["judge", "--set", "set", "--judge", "chat", "--yes", "--mode"]
    assert told_by(*judged, "single")["done"] == 18
    assert told_by(*judged, "baseline", "--baseline", "beta")["done"] == 24
    # against beta all is judged already: what is missing is alpha against gamma
    pairs = told_by(*judged, "pairs")
    assert (pairs["done"], pairs["reused"]) == (12, 24)
    assert all(call.body["stream"] for call in served.calls)
    Board.objects.create(slug="main", title="Main board")
    rated = told_by("rate", "main")
    assert [row["model"] for row in rated["ratings"]] == ["alpha", "beta", "gamma"]
    assert rated["ratings"][0]["battles"] == 24
    page = client.get(reverse("board_detail", args=["main"])).content.decode()
    assert page.index("Alpha") < page.index("Beta") < page.index("Gamma")
    battle = Judgment.objects.filter(mode="pairwise").first().battle
    assert (
        "One says more." in client.get(reverse("battle_detail", args=[battle.pk])).content.decode()
    )


FAULTS = {
    "too many requests": first_attempts(1, Fault("rate_limit", retry_after="0.01")),
    "a server error": first_attempts(1, Fault("server_error")),
    "a bad gateway": first_attempts(1, Fault("server_error", status=502)),
    "a hang": every(7, Fault("hang")),
    "a cut stream": first_attempts(1, Fault("cut")),
    "rubbish": first_attempts(1, Fault("garbage")),
    "an error in the stream": first_attempts(1, Fault("error_in_stream")),
    "an empty reply": first_attempts(1, Fault("empty")),
    "a web page": first_attempts(1, Fault("html")),
}


@pytest.mark.parametrize("name", FAULTS)
def test_every_judgment_is_made_once_in_spite_of(name, spec, decide, chat_judge, served):
    if name == "a hang":  # the others are answered, however slow this machine is at the moment
        chat_judge.language_model.endpoint.timeout_s = 5
        chat_judge.language_model.endpoint.save()
    served.fault = FAULTS[name]
    run = decide(spec(judge=chat_judge, limit=2), PATIENT)
    assert run.status == RunStatus.COMPLETED
    assert run.judgments.readable().count() == 12
    assert served.paid_twice == []


def test_what_fails_for_good_is_stored_with_its_reason(spec, decide, chat_judge, served):
    served.fault = every(1, Fault("server_error", status=401))
    run = decide(spec(judge=chat_judge, limit=1))
    reasons = Counter(run.judgments.values_list("status", "error_kind"))
    assert reasons == {(WorkStatus.FAILED, "authentication_failed"): 6}
    assert not run.judgments.exclude(outcome="").exists()


@pytest.mark.parametrize("end", [stop_run, cancel_run])
def test_a_run_whose_endpoint_hangs_is_paused_or_cancelled_within_the_next_look(
    spec, chat_judge, served, no_queue, end
):
    served.fault = every(1, Fault("hang"))
    run = start_judge_run(spec(judge=chat_judge))
    with ThreadPoolExecutor(1) as pool:
        driving = pool.submit(drive_run_chunk, "judging", run.pk)
        wait_until(lambda: served.in_flight == 8)
        end(run)
        # every call has still a minute and more to its timeout
        assert driving.result(timeout=60).was_stopped
    assert DriveOptions().poll_s < 1
    wait_until(lambda: served.in_flight == 0)
    left = Counter(run.judgments.values_list("status", "attempts", "lease_owner"))
    assert left == {(WorkStatus.PENDING, 0, ""): 36}


# -- killed, stopped, started twice -----------------------------------------------------------


@pytest.fixture
def installation(tmp_path, monkeypatch):
    installation = Installation(tmp_path)
    monkeypatch.setattr("arena.services.runs._send_to_queue", installation.send)
    return installation


@pytest.fixture
def long_spec(spec, answered, chat_judge, served, make_answer):
    """180 judgments of 20 ms each, eight at a time."""
    served.delay_s = 0.02
    extra = Question.objects.bulk_create(
        Question(
            question_set=answered,
            external_id=f"more{number}",
            turns=[[{"type": "text", "text": f"And what about {number}?"}]],
            language="en",
        )
        for number in range(24)
    )
    lengths = {a.model: len(a.turns[0]) for a in Answer.objects.select_related("model")}
    for question in extra:
        for model, length in lengths.items():
            make_answer(
                model, question, f"{model.slug} says {question.external_id} " + "x" * length
            )
    return spec(judge=chat_judge)


def hold_the_last(number, body):
    """No worker comes to its end before this process, on a busy machine, has looked at it."""
    return Fault("hang") if number > 100 else None


def outcomes(judge):
    return {
        (j.battle_id, j.game): j.outcome
        for j in Judgment.objects.filter(judge=judge, status=WorkStatus.DONE)
    }


def is_completed(run):
    return JudgeRun.objects.get(pk=run.pk).status == RunStatus.COMPLETED


def is_completed_by_sweeps(run):
    """Swept again and again, as the schedule has it: what a killed worker had sent off to the
    database may be carried out after the first sweep.
    """
    sweep_runs()
    return is_completed(run)


@pytest.mark.slow
def test_a_worker_killed_in_the_middle_loses_nothing_and_pays_nothing_twice(
    installation, long_spec, served, endpoint
):
    served.fault = hold_the_last
    run = start_judge_run(long_spec)
    with installation.worker() as first:
        wait_until(lambda: run.judgments.readable().count() >= 30)
        kill_hard(first)
    served.fault = no_fault
    stored = {
        row.prompt[-1]["content"] for row in run.judgments.readable()
    }  # what was stored at the kill
    assert 30 <= len(stored) < 180
    with installation.worker(2):
        wait_until(lambda: is_completed_by_sweeps(run), every=0.5)
    assert run.judgments.readable().count() == 180
    assert Judgment.objects.count() == 180
    paid = Counter(call.body["messages"][-1]["content"] for call in served.paid_calls)
    assert {text for text, times in paid.items() if times > 1}.isdisjoint(stored)
    under_way_or_not_yet_stored = 2 * endpoint.max_concurrency
    assert sum(paid.values()) - len(paid) <= under_way_or_not_yet_stored
    assert set(paid) == {row.prompt[-1]["content"] for row in run.judgments.all()}


@pytest.mark.slow
def test_stopped_resumed_started_twice_on_two_workers_equals_a_clean_run(
    installation, long_spec, served, endpoint, length_judge, decide
):
    served.fault = hold_the_last
    run = create_judge_run(long_spec)
    with installation.worker(1), installation.worker(2):
        start_run(run)
        for _ in range(2):  # two messages for the same run
            installation.send("judging", run.pk)
        wait_until(lambda: run.judgments.readable().count() >= 30)
        stop_run(run)
        wait_until(lambda: not run.judgments.filter(status=WorkStatus.CLAIMED).exists())
        assert run.judgments.readable().count() < 180
        wait_until(lambda: served.in_flight == 0)  # it has heard that nobody waits any more
        served.fault = no_fault
        resume_run(run)
        installation.send("judging", run.pk)
        wait_until(lambda: is_completed(run))
    assert not list(run.judgments.filter(status=WorkStatus.FAILED).values_list("error_detail"))
    assert served.most_in_flight <= endpoint.max_concurrency  # both workers together
    # the offline judge decides by length as well: what a clean run says
    decide(replace(long_spec, judge=length_judge))
    assert outcomes(run.judge) == outcomes(length_judge)
    assert len(served.paid_calls) - 180 <= endpoint.max_concurrency  # in flight at the stop
