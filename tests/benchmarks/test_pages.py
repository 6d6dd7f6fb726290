"""Pages of the benchmark room: what a reader sees and what a visitor may not do."""

import csv
import hashlib
import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from arena.models import RunStatus
from benchmarks.hardware import processor
from benchmarks.models import BenchmarkRun, EngineKind, PublishedScore
from benchmarks.services.accelerators import report_device

pytestmark = pytest.mark.django_db


def test_the_board_shows_scores_with_intervals_and_leads_to_samples(client, alpha, finished_run):
    run = finished_run(alpha, [1, 1, 1, 0])
    page = client.get(reverse("benchmark_board")).content.decode()
    assert "75.0" in page
    assert "30.1 – 95.4" in page
    assert reverse("benchmark_samples", args=[run.pk, run.tasks.get().pk]) in page


def test_scores_measured_differently_stand_in_different_columns(client, alpha, beta, finished_run):
    finished_run(alpha, [1, 0])
    finished_run(beta, [1, 1], fingerprint="f2")
    columns = client.get(reverse("benchmark_board")).context["board"].columns
    assert [(c.task, c.number) for c in columns] == [("arc_easy", 1), ("arc_easy", 2)]


def exam_of(run, names):
    """More tasks like the run's own, as one group."""
    task = run.tasks.get()
    for name in names:
        task.pk, task.name = None, name
        task.fingerprint_hash = hashlib.sha256(name.encode()).hexdigest()[:16]
        task.save()
    run.groups = {"exam": ["arc_easy", *names]}
    run.save()


def test_a_large_group_is_one_column_of_the_board_and_its_tasks_are_found_by_name(
    client, alpha, finished_run
):
    run = finished_run(alpha, [1, 0, 0, 0])
    exam_of(run, ["law", "logic", "arts", "music"])
    reply = client.get(reverse("benchmark_board"))
    assert [column.task for column in reply.context["board"].columns] == ["exam"]
    (cell,) = reply.context["rows"][0][1]
    assert (cell.score["value"], cell.score["n"], cell.run_id) == (0.25, 20, run.pk)
    found = client.get(reverse("benchmark_board"), {"q": "law"}).context["board"].columns
    assert [column.task for column in found] == ["law"]
    everything = client.get(reverse("benchmark_board_json")).json()["scores"]
    assert {score["task"] for score in everything} == {"arc_easy", "law", "logic", "arts", "music"}


def test_a_group_under_way_is_no_column_yet(client, alpha, finished_run):
    run = finished_run(alpha, [1, 0])
    exam_of(run, ["law", "logic", "arts", "music"])
    run.tasks.filter(name="law").update(scored_at=None)
    BenchmarkRun.objects.update(status=RunStatus.ACTIVE)
    assert not client.get(reverse("benchmark_board")).context["board"].columns
    BenchmarkRun.objects.update(status=RunStatus.COMPLETED)
    assert len(client.get(reverse("benchmark_board")).context["board"].columns) == 4


def test_the_board_needs_the_same_queries_for_many_runs(
    client, make_model, finished_run, django_assert_max_num_queries
):
    for model in (make_model("one"), make_model("two"), make_model("three")):
        for name in ("arc_easy", "boolq", "copa"):
            finished_run(model, [1, 0], task_name=name)
    with django_assert_max_num_queries(6):
        page = client.get(reverse("benchmark_board"))
    assert len(page.context["rows"]) == 3


def test_the_run_page_shows_scores_groups_and_what_deserves_a_look(client, alpha, finished_run):
    run = finished_run(alpha, [1, 0, 0, 0], reasons=" tied ")
    page = client.get(reverse("benchmark_run", args=[run.pk])).content.decode()
    assert "25.0" in page
    assert "tied 4" in page
    assert "both" in page


def test_a_run_whose_samples_have_no_values_of_their_own_has_a_page(client, alpha, finished_run):
    run = finished_run(alpha, [1, 0])
    run.samples.update(value=None)
    assert client.get(reverse("benchmark_run", args=[run.pk])).status_code == 200


def test_a_score_whose_interval_is_not_known_has_a_page(client, alpha, finished_run):
    run = finished_run(alpha, [1])
    task = run.tasks.get()
    unknown = {"value": 0.25, "stderr": None, "lower": None, "upper": None, "n": 1, "clusters": 1}
    run.tasks.update(scores={task.primary_metric: unknown})
    for name in ("benchmark_run", "benchmark_report"):
        assert "25.0" in client.get(reverse(name, args=[run.pk])).content.decode()
    assert "25.0" in client.get(reverse("benchmark_board")).content.decode()


def test_samples_are_filtered_by_what_is_wrong_with_them(client, alpha, finished_run):
    run = finished_run(alpha, [1, 0, 1, 0, 0])
    url = reverse("benchmark_samples", args=[run.pk, run.tasks.get().pk])
    assert len(client.get(url).context["page"].object_list) == 5
    wrong = client.get(url, {"show": "wrong"}).context["page"].object_list
    assert [sample.index for sample in wrong] == [1, 3, 4]
    assert not client.get(url, {"show": "invalid"}).context["page"].object_list


def test_a_log_probability_is_neither_right_nor_wrong(client, alpha, finished_run):
    run = finished_run(alpha, [1, 0])
    run.samples.update(value=-3.5)
    url = reverse("benchmark_samples", args=[run.pk, run.tasks.get().pk])
    for show in ("right", "wrong"):
        assert not client.get(url, {"show": show}).context["page"].object_list


def test_samples_on_which_two_models_disagree_can_be_listed(client, alpha, beta, finished_run):
    first, second = finished_run(alpha, [1, 0, 1]), finished_run(beta, [1, 1, 0])
    url = reverse("benchmark_samples", args=[first.pk, first.tasks.get().pk])
    shown = client.get(url, {"differs_from": second.pk}).context["page"].object_list
    assert [sample.index for sample in shown] == [1, 2]


def test_a_sample_shows_its_prompt_gold_and_every_choices_log_probability(
    client, alpha, finished_run
):
    run = finished_run(alpha, [0])
    page = client.get(reverse("benchmark_sample", args=[run.samples.get().pk])).content.decode()
    assert "Question: why?" in page
    assert "-1.2500" in page
    assert "-2.5000" in page


def test_runs_are_compared_pairwise_with_corrected_p_values(client, alpha, beta, finished_run):
    first = finished_run(alpha, [1] * 12 + [0] * 4)
    second = finished_run(beta, [0] * 12 + [0] * 4)
    page = client.get(reverse("benchmark_compare"), {"a": first.pk, "b": second.pk})
    (line,) = page.context["comparison"].lines
    assert (line.mcnemar.only_first, line.mcnemar.only_second) == (12, 0)
    assert line.p_adjusted == pytest.approx(2 / 2**12)
    assert "+75.0" in page.content.decode()


def test_different_fingerprints_are_not_compared(client, alpha, beta, finished_run):
    first, second = finished_run(alpha, [1, 0]), finished_run(beta, [1, 1], fingerprint="f2")
    page = client.get(reverse("benchmark_compare"), {"a": first.pk, "b": second.pk})
    assert page.context["comparison"].refused == [("arc_easy", ["prompt"])]
    assert page.context["comparison"].lines == []


def test_published_values_stand_beside_measured_ones(client, alpha, finished_run):
    PublishedScore.objects.create(
        language_model=alpha, task="arc_easy", value=0.7, source="a paper, table 2"
    )
    run = finished_run(alpha, [1, 0, 1, 1])
    page = client.get(reverse("benchmark_run", args=[run.pk])).content.decode()
    assert "within 2 SE" in page
    assert "a paper, table 2" in page


def test_the_report_is_one_file_without_links_to_the_site(client, alpha, finished_run):
    run = finished_run(alpha, [1, 0])
    reply = client.get(reverse("benchmark_report", args=[run.pk]))
    assert "attachment" in reply["Content-Disposition"]
    assert "src=" not in reply.content.decode()
    assert "50.0" in reply.content.decode()


def test_results_and_board_come_as_json(client, alpha, finished_run):
    run = finished_run(alpha, [1, 0])
    results = client.get(reverse("benchmark_run_json", args=[run.pk])).json()
    assert results["tasks"]["arc_easy"]["metrics"]["acc,none"]["value"] == 0.5
    scores = client.get(reverse("benchmark_board_json")).json()["scores"]
    assert scores[0]["model"] == "alpha"


def test_the_queue_shows_devices_and_waiting_runs_by_priority(client, alpha):
    report_device("host", processor())
    for priority in (0, 7):
        BenchmarkRun.objects.create(language_model=alpha, engine=EngineKind.LOCAL,
                                    status=RunStatus.ACTIVE, priority=priority)  # fmt: skip
    page = client.get(reverse("benchmark_queue"))
    assert [line.run.priority for line in page.context["lines"]] == [7, 0]
    assert "idle" in page.content.decode()


@pytest.mark.parametrize("name", ["benchmark_new", "benchmark_upload", "benchmark_task_list"])
def test_a_visitor_cannot_start_or_upload_anything(client, name):
    reply = client.get(reverse(name))
    assert reply.status_code == 302
    assert reverse("login") in reply["Location"]


def csv_of(*rows):
    out = io.StringIO()
    csv.writer(out).writerows([("question", "A", "B", "answer", "category"), *rows])
    return SimpleUploadedFile("questions.csv", out.getvalue().encode(), content_type="text/csv")


def test_a_file_of_questions_is_stored_only_when_every_row_can_be_used(
    admin_client, settings, tmp_path
):
    settings.MEDIA_ROOT = tmp_path / "media"
    url = reverse("benchmark_upload")
    bad = csv_of(("Why?", "a", "b", "A", "x"), ("", "a", "b", "A", "x"), ("How?", "a", "", "C", ""))
    reply = admin_client.post(url, {"name": "Mine", "kind": "general_mcq", "file": bad})
    assert [error.line for error in reply.context["row_errors"]] == [3, 4]
    good = csv_of(("Why?", "a", "b", "A", "x"))
    reply = admin_client.post(url, {"name": "Mine", "kind": "general_mcq", "file": good})
    assert reply.status_code == 302


def test_a_run_is_started_from_the_form_and_prepared_in_the_background(
    admin_client, tmp_path, monkeypatch, django_capture_on_commit_callbacks
):
    sent = []
    monkeypatch.setattr("benchmarks.tasks.prepare_benchmark.delay", sent.append)
    with django_capture_on_commit_callbacks(execute=True):
        reply = admin_client.post(
            reverse("benchmark_new"),
            {"model": str(tmp_path), "tasks": "needle_haystack", "protocol": "native",
             "precision": "fp32", "hub": "local", "limit": 2},
        )  # fmt: skip
    run = BenchmarkRun.objects.get()
    assert reply["Location"] == reverse("benchmark_run", args=[run.pk])
    assert sent == [run.pk]
    assert run.created_by.is_staff


def test_a_form_without_a_task_is_refused_with_a_sentence(admin_client, tmp_path):
    reply = admin_client.post(reverse("benchmark_new"), {"model": str(tmp_path)})
    assert "Choose at least one task" in reply.content.decode()


def test_the_common_page_of_runs_leads_here(admin_client, alpha, finished_run):
    run = finished_run(alpha, [1])
    reply = admin_client.get(reverse("run_detail", args=["benchmark", run.pk]))
    assert f"/runs/benchmark/{run.pk}/results/" in reply.content.decode()
