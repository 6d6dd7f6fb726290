"""Whole runs over an OpenAI-compatible endpoint, and an endpoint that goes away in between."""

import json
from io import StringIO
from threading import Event, Thread

import pytest
from django.core.management import CommandError, call_command
from django.db import connections
from django.urls import reverse

from arena.models import Endpoint, RunStatus, WorkStatus
from arena.services.driving import drive_here
from arena.services.runs import finish_if_done, resume_run, retry_failed, start_run, stop_run
from arena.work.dispatch import DriveOptions
from benchmarks.models import BenchmarkRun
from benchmarks.services.preparing import prepare_run
from benchmarks.services.running import results, run_from_config, run_to_end
from tests.benchmarks.served_model import ServedModel, written
from tests.openai_server import Fault, no_fault, run_in_thread

pytest.importorskip("lm_eval")
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("small_catalogue")]
AT_ONCE = DriveOptions(poll_s=0.02, retry_base_s=0.0, retry_cap_s=0.0, max_attempts=2)
TASKS = ("arc_easy", "mmlu_anatomy", "winogrande")


@pytest.fixture(scope="module")
def model_server():
    with run_in_thread(ServedModel()) as server:
        yield server


@pytest.fixture
def served(model_server):
    """The server, well behaved and with nothing in its log."""
    model_server.calls.clear()
    model_server.fault, model_server.reply = no_fault, written
    return model_server


@pytest.fixture
def model_at(make_model, served):
    """A model that the server serves by one of its two protocols."""

    def make(api):
        settings = {"api": api, "longest_wait_s": 0.05, "circuit_threshold": 1000}
        endpoint = Endpoint.objects.create(
            slug=f"served-{api}", base_url=served.url, api_key="test", max_concurrency=8,
            max_attempts=1, timeout_s=120, settings=settings,
        )  # fmt: skip
        return make_model(f"served-by-{api}", endpoint=endpoint)

    return make


@pytest.fixture
def configured(configuration):
    def make(model, *tasks, **changes):
        return configuration(*tasks, model=model.slug, model_args={}, **changes)

    return make


def started(configuration):
    return start_run(prepare_run(run_from_config(configuration)))


def rows_of(run):
    fields = ("task__name", "index", "extracted", "value", "metrics", "responses")
    return list(run.samples.order_by("task__name", "index").values_list(*fields))


def test_a_chat_endpoint_is_scored_by_its_written_answers(model_at, configured, served):
    model = model_at("chat")
    run = run_to_end(run_from_config(configured(model, *TASKS, protocol="generation")))
    assert run.status == RunStatus.COMPLETED
    for sample in run.samples.all():
        asked = [m for m in sample.requests["requests"][0]["messages"] if m["role"] == "user"]
        letter = written(asked).text[-1]
        readable = letter if letter in "ABCD"[: len(sample.choices)] else "[invalid]"
        assert sample.extracted == readable
        assert sample.value == float(letter in sample.target)
    assert {call.path for call in served.calls} == {"/v1/chat/completions"}
    assert len(served.calls) == run.samples.count()


def test_likelihoods_over_an_endpoint_are_those_of_the_local_engine(
    model_at, configured, configuration
):
    tasks = (*TASKS, "hellaswag", "truthfulqa_mc2", "cmmlu_arts")
    over = run_to_end(run_from_config(configured(model_at("completions"), *tasks)))
    here = run_to_end(run_from_config(configuration(*tasks)))
    for remote, local in zip(rows_of(over), rows_of(here), strict=True):
        assert remote[:2] == local[:2]
        found = [[reply["logprob"] for reply in row[5]] for row in (remote, local)]
        assert found[0] == pytest.approx(found[1], rel=1e-5, abs=1e-3), remote[:2]
    scores = [results(run)["tasks"] for run in (over, here)]
    for name, task in scores[0].items():
        metric = task["primary_metric"]
        pair = [found[name]["metrics"][metric]["value"] for found in scores]
        assert pair[0] == pytest.approx(pair[1], rel=1e-4), name
        assert task["fingerprint"] != scores[1][name]["fingerprint"]


def test_letters_by_top_logprobs_are_labelled_as_an_approximation(
    client, model_at, configured, served
):
    run = run_to_end(run_from_config(configured(model_at("chat"), "arc_easy", protocol="letters")))
    task = run.tasks.get()
    assert task.protocol == "letters"
    assert task.audit["failed"] == 0
    assert set(run.samples.values_list("extracted", flat=True)) <= {"A", "B", "C"}
    assert {call.body["max_tokens"] for call in served.calls} == {1}
    page = client.get(reverse("benchmark_run", args=[run.pk])).content.decode()
    assert "approximation" in page


def test_a_run_whose_endpoint_went_away_equals_a_clean_one_once_it_is_resumed(
    model_at, configured, served
):
    model = model_at("chat")
    clean = run_to_end(run_from_config(configured(model, *TASKS, protocol="generation")))
    served.calls.clear()
    run = started(configured(model, *TASKS, protocol="generation"))
    answered = 5
    served.fault = lambda number, body: Fault("cut") if len(served.paid_calls) >= answered else None
    drive_here(run, options=AT_ONCE)
    failed = run.items().filter(status=WorkStatus.FAILED)
    done = dict(run.items().filter(status=WorkStatus.DONE).values_list("pk", "finished_at"))
    assert failed.count() == run.samples.count() - len(done)
    assert answered <= len(done) < run.samples.count()
    assert set(failed.values_list("error_kind", flat=True)) == {"stream_cut"}
    assert set(failed.values_list("value", flat=True)) == {None}
    served.fault = no_fault
    retry_failed(run)
    drive_here(run, options=AT_ONCE)
    assert finish_if_done(run)
    assert rows_of(run) == rows_of(clean)
    assert served.paid_twice == []
    kept = dict(run.items().filter(pk__in=done).values_list("pk", "finished_at"))
    assert kept == done
    clean_scores = results(clean)["tasks"]
    for name, task in results(run)["tasks"].items():
        assert task["metrics"] == clean_scores[name]["metrics"]


def test_a_stopped_run_goes_on_where_it_was(model_at, configured, served):
    run = started(configured(model_at("chat"), *TASKS, protocol="generation"))
    served.fault = lambda number, body: Fault("hang") if len(served.paid_calls) >= 3 else None

    def stop_after_three():
        while run.items().status_counts()["done"] < 3:
            Event().wait(0.01)  # until the driver has stored them; there is nothing to inject
        stop_run(run)
        connections.close_all()

    stopping = Thread(target=stop_after_three)
    stopping.start()
    report = drive_here(run, options=AT_ONCE)
    stopping.join()
    assert report.was_stopped
    counts = run.items().status_counts()
    assert (counts["done"], counts["claimed"], counts["failed"]) == (3, 0, 0)
    served.fault = no_fault
    resume_run(run)
    drive_here(run, options=AT_ONCE)
    assert finish_if_done(run)
    assert run.items().status_counts()["done"] == run.samples.count()
    assert served.paid_twice == []


def test_a_question_that_the_endpoint_refuses_is_an_error_row_and_no_zero(
    client, model_at, configured, served, monkeypatch, tmp_path
):
    refused = "Which is number 1?"
    rows = "".join(f"Which is number {i}?,one,two,three,four,A\n" for i in range(3))
    (tmp_path / "q.csv").write_text("question,A,B,C,D,answer\n" + rows)
    settings = {"general_mcq:q": {"local_path": str(tmp_path / "q.csv")}}
    served.fault = lambda number, body: (
        Fault("server_error", status=400) if refused in str(body["messages"]) else None
    )
    model, out = model_at("chat"), StringIO()
    with pytest.raises(CommandError, match="1 samples have no score") as caught:
        call_command(
            "run_benchmark", model=model.slug, datasets=["general_mcq:q"], stdout=out, json=True,
            protocol="generation", dataset_args=json.dumps(settings), quiet=True,
        )  # fmt: skip
    assert caught.value.returncode == 3
    found = json.loads(out.getvalue())
    assert found["tasks"]["general_mcq:q"]["audit"] == {"failed": 1, "scored": 2}
    assert found["tasks"]["general_mcq:q"]["metrics"]["acc,letter"]["n"] == 2
    run = BenchmarkRun.objects.get()
    page = client.get(reverse("benchmark_run", args=[run.pk])).content.decode()
    assert "planned failure" in page
    served.fault = no_fault
    call_command("run_benchmark", resume=run.pk, quiet=True, stdout=out)
    assert run.items().status_counts()["done"] == 3


def test_a_chat_endpoint_is_not_asked_for_likelihoods_that_it_cannot_give(model_at, configured):
    with pytest.raises(CommandError, match="protocol 'generation' or 'letters'"):
        call_command(
            "run_benchmark", task_cfg=None, model=model_at("chat").slug, datasets=["arc_easy"],
            dataset_hub="Local", dataset_dir=configured(model_at("completions"))["dataset_dir"],
            stdout=StringIO(),
        )  # fmt: skip
    assert not BenchmarkRun.objects.filter(status=RunStatus.COMPLETED).exists()


def test_an_endpoint_that_tells_no_candidates_is_not_scored_by_letters(
    model_at, configured, served
):
    served.reply = lambda messages: "A"
    configuration = configured(model_at("chat"), "arc_easy", protocol="letters", limit=1)
    run = run_to_end(run_from_config(configuration))
    assert "top_logprobs" in run.samples.get().error_detail
