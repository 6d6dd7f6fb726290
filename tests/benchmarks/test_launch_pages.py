"""From the form to a started run in the browser: forecast, start, discard; tasks by name."""

from pathlib import Path

import pytest
from django.urls import reverse

from arena.models import RunStatus
from benchmarks.harness.catalogue import Catalogue, Entry
from benchmarks.models import BenchmarkRun, EngineKind, Intent, QuestionFile
from benchmarks.services.launching import prepare_and_start
from benchmarks.services.question_files import save_question_file
from benchmarks.services.task_names import searchable_cards

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def messages(monkeypatch):
    """Messages that went to workers, by kind."""
    sent = []
    tasks = "benchmarks.tasks"
    monkeypatch.setattr(f"{tasks}.prepare_benchmark.delay", lambda run_id: sent.append("prepare"))
    monkeypatch.setattr(f"{tasks}.wake_accelerator.delay", lambda: sent.append("wake"))
    monkeypatch.setattr(f"{tasks}.read_task_catalogue.delay", lambda: sent.append("read"))
    return sent


@pytest.fixture(autouse=True)
def catalogue(monkeypatch):
    """A small list in place of lm-eval's fourteen thousand files."""
    entries = [Entry("boolq", "task", output_type="multiple_choice", dataset="super_glue boolq"),
               Entry("glue-like", "group", children=("boolq",))]  # fmt: skip
    known = Catalogue({entry.name: entry for entry in entries})
    monkeypatch.setattr("benchmarks.suites.lm_eval_tasks.catalogue", lambda _: known)
    monkeypatch.setattr("benchmarks.services.task_names.is_catalogue_ready", lambda: True)
    monkeypatch.setattr("benchmarks.views.launching.is_catalogue_ready", lambda: True)
    searchable_cards.cache_clear()
    yield
    searchable_cards.cache_clear()


@pytest.fixture
def forecast(alpha):
    run = BenchmarkRun.objects.create(
        language_model=alpha, engine=EngineKind.LOCAL, model_args={"checkpoint": "x"},
        selection=["needle_haystack"], options={"limit": 2}, intent=Intent.FORECAST,
    )  # fmt: skip
    prepare_and_start(run.pk)
    return run


def form(tmp_path, **changes):
    return {"model": str(tmp_path), "tasks": "needle_haystack", "protocol": "native",
            "precision": "fp32", "hub": "local", "limit": 2, **changes}  # fmt: skip


def test_a_forecast_is_asked_for_before_anything_runs(
    admin_client, tmp_path, messages, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        admin_client.post(reverse("benchmark_new"), form(tmp_path, then="forecast"))
    assert BenchmarkRun.objects.get().intent == Intent.FORECAST
    assert messages == ["prepare"]


def test_the_run_page_tells_the_forecast_and_starts_the_run(admin_client, forecast):
    page = admin_client.get(reverse("benchmark_run", args=[forecast.pk])).content.decode()
    assert "has not been asked anything yet" in page
    assert "no finished run of this model to go by" in page
    admin_client.post(reverse("benchmark_draft", args=[forecast.pk, "start"]))
    forecast.refresh_from_db()
    assert forecast.status == RunStatus.ACTIVE


def test_a_forecast_that_pleases_nobody_is_discarded(admin_client, forecast):
    reply = admin_client.post(reverse("benchmark_draft", args=[forecast.pk, "discard"]))
    assert reply["Location"] == reverse("benchmark_board")
    assert not BenchmarkRun.objects.exists()


def test_visitors_can_neither_start_nor_discard(client, forecast):
    for action in ("start", "discard", "prepare"):
        client.post(reverse("benchmark_draft", args=[forecast.pk, action]))
    forecast.refresh_from_db()
    assert forecast.is_forecast


def test_a_forecast_of_time_goes_by_the_tokens_of_an_earlier_run(forecast, alpha, make_model):
    from datetime import timedelta

    from django.utils import timezone

    from benchmarks.services.preparing import forecast as forecast_of

    forecast.refresh_from_db()
    tokens = forecast.forecast["input_tokens"] + forecast.forecast["output_tokens_at_most"]
    now = timezone.now()
    BenchmarkRun.objects.create(
        language_model=alpha, engine=EngineKind.LOCAL, model_args=forecast.model_args,
        selection=["another"], status=RunStatus.COMPLETED, started_at=now,
        finished_at=now + timedelta(seconds=10),
        forecast={"input_tokens": 2 * tokens, "output_tokens_at_most": 0},
    )  # fmt: skip
    assert forecast_of(forecast)["seconds"] == pytest.approx(5.0)


def test_the_form_takes_the_command_lines_arguments(admin_client, tmp_path):
    values = form(tmp_path, model_args="device_map=auto", dataset_args='{"needle_haystack": {}}')
    admin_client.post(reverse("benchmark_new"), values)
    run = BenchmarkRun.objects.get()
    assert run.model_args["device_map"] == "auto"
    assert run.options["dataset_args"] == {"needle_haystack": {}}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"model_args": "auto"}, "is not of the form name=value"),
        ({"dataset_args": "{"}, "Not valid JSON"),
        ({"dataset_args": '{"mmlu": 1}'}, "object of settings"),
        ({"model_args": "colour=red"}, "is unknown"),
    ],
)
def test_arguments_that_mean_nothing_are_refused_on_the_form(
    admin_client, tmp_path, changes, reason
):
    page = admin_client.post(reverse("benchmark_new"), form(tmp_path, **changes)).content.decode()
    assert reason in page
    assert not BenchmarkRun.objects.exists()


def test_tasks_chosen_in_the_list_arrive_in_the_form(admin_client):
    page = admin_client.get(reverse("benchmark_new"), {"tasks": ["boolq", "arc_easy"]})
    assert 'value="boolq arc_easy"' in page.content.decode()


def test_tasks_are_found_by_any_words_of_their_name_or_data_set(admin_client):
    page = admin_client.get(reverse("benchmark_task_list"), {"q": "glue boolq"})
    assert [card.name for card in page.context["cards"]] == ["boolq"]
    groups = admin_client.get(reverse("benchmark_task_list"), {"q": "glue", "kind": "group"})
    assert {card.name for card in groups.context["cards"]} == {
        "glue-like",
        "superglue",
        "superglue-diagnostics",
    }


def test_a_group_has_a_page_with_its_members_and_measured_scores(admin_client, alpha, finished_run):
    finished_run(alpha, [1, 0], task_name="clue_c3")
    page = admin_client.get(reverse("benchmark_task", args=["clue"])).content.decode()
    assert reverse("benchmark_task", args=["clue_c3"]) in page
    assert "50.0" in page
    assert admin_client.get(reverse("benchmark_task", args=["no-such"])).status_code == 404


def test_a_list_that_is_not_read_yet_is_left_to_a_worker(admin_client, messages, monkeypatch):
    monkeypatch.setattr("benchmarks.services.task_names.is_catalogue_ready", lambda: False)
    monkeypatch.setattr("benchmarks.views.launching.is_catalogue_ready", lambda: False)
    monkeypatch.setattr("benchmarks.suites.lm_eval_tasks.catalogue", pytest.fail)
    from django.core.cache import cache

    cache.clear()
    pages = [admin_client.get(reverse("benchmark_task_list")) for _ in range(2)]
    assert "once per installed version" in pages[0].content.decode()
    assert "humaneval" in pages[1].content.decode()
    assert messages == ["read"]


def test_pages_say_how_to_install_what_is_missing(admin_client, monkeypatch):
    monkeypatch.setattr("benchmarks.services.libraries.find_spec", lambda _: None)
    page = admin_client.get(reverse("benchmark_new")).content.decode()
    assert "agon[local]" in page
    assert "agon[benchmarks]" in page


@pytest.fixture
def stored_file(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    content = b"question,A,B,answer\nWhy?,a,b,A\n"
    return save_question_file(name="Mine", kind="general_mcq", filename="q.csv", content=content)


def test_a_stored_file_can_be_deleted_and_is_gone_from_the_disk(admin_client, stored_file):
    path = stored_file.file.path
    admin_client.post(reverse("benchmark_delete_questions", args=[stored_file.pk]))
    assert not QuestionFile.objects.exists()
    with pytest.raises(FileNotFoundError):
        Path(path).stat()


def test_a_file_that_a_run_still_reads_is_kept(admin_client, stored_file, alpha):
    BenchmarkRun.objects.create(
        language_model=alpha, engine=EngineKind.LOCAL, status=RunStatus.ACTIVE,
        options={"dataset_args": {stored_file.task_name: {"local_path": "x"}}},
    )  # fmt: skip
    admin_client.post(reverse("benchmark_delete_questions", args=[stored_file.pk]))
    assert QuestionFile.objects.exists()
