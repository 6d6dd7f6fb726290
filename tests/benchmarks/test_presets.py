"""The two boards' selections, whole: every subject of every exam.

From the page, and one of them by command too: that both measure alike is for test_families to say.
"""

import json
from io import StringIO
from itertools import chain
from statistics import fmean

import pytest
from django.core.management import call_command
from django.urls import reverse

from benchmarks.services.preparing import plan_selection
from tests.benchmarks.datasets_on_disk import write_all

pytest.importorskip("lm_eval")
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("small_catalogue"),
    pytest.mark.slow,
    pytest.mark.one_round,
]
# how the tasks of an exam are named, and where its subjects' data lie
EXAMS = {
    "mmlu": ("mmlu_", "cais/mmlu"),
    "ceval-valid": ("ceval-valid_", "ceval/ceval-exam"),
    "cmmlu": ("cmmlu_", "haonan-li/cmmlu"),
    "bbh": ("bbh_cot_fewshot_", "SaylorTwift/bbh"),
}


@pytest.fixture(scope="module")
def data(tmp_path_factory, small_catalogue):
    subjects = {
        path: [task.removeprefix(beginning) for task in plan_selection([exam]).tasks]
        for exam, (beginning, path) in EXAMS.items()
    }
    assert [len(subjects[path]) for _, path in EXAMS.values()] == [57, 52, 67, 27]
    return write_all(tmp_path_factory.mktemp("exams"), subjects)


# one subject counts six times in the average by samples, and once in the average by subjects
SETTINGS = {"mmlu_anatomy": {"limit": 6}}


def by_command(checkpoint, data, preset):
    out = StringIO()
    call_command(
        "run_benchmark", model=str(checkpoint), datasets=[preset], stdout=out, json=True,
        dataset_hub="Local", dataset_dir=str(data), model_args="precision=fp32", quiet=True,
        generation_config="max_tokens=4", limit=1.0, dataset_args=json.dumps(SETTINGS),
    )  # fmt: skip
    return json.loads(out.getvalue())


@pytest.fixture
def measured(client, launched, checkpoint, data):
    """A preset's run from the page, where asked for with the same scores from the command line."""

    def measure(preset, *, compares_command):
        run = launched(tasks=preset, limit=1, max_tokens=4, dataset_args=json.dumps(SETTINGS))
        by_page = client.get(reverse("benchmark_run_json", args=[run.pk])).json()
        assert by_page["status"] == "completed"
        assert all(task["audit"]["failed"] == 0 for task in by_page["tasks"].values())
        told = by_command(checkpoint, data, preset) if compares_command else by_page
        assert told["status"] == "completed"
        for name, task in by_page["tasks"].items():
            assert told["tasks"][name]["fingerprint"] == task["fingerprint"], name
            mine, other = (t["metrics"][t["primary_metric"]] for t in (task, told["tasks"][name]))
            assert mine["value"] == pytest.approx(other["value"], abs=1e-6), name
        assert by_page["groups"].keys() == told["groups"].keys()
        for name, scores in by_page["groups"].items():
            main = scores["main"]
            other = told["groups"][name]
            assert main == other["main"]
            assert scores[main]["value"] == pytest.approx(other[main]["value"], abs=1e-6), name
        page = client.get(reverse("benchmark_run", args=[run.pk])).content.decode()
        assert all(name in page for name in by_page["groups"])
        assert client.get(reverse("benchmark_report", args=[run.pk])).status_code == 200
        assert preset in client.get(reverse("benchmark_board")).content.decode()
        return run, by_page["groups"]

    return measure


def values_by_task(run, beginning):
    found = {}
    rows = run.samples.filter(task__name__startswith=beginning).values_list("task__name", "value")
    for name, value in rows:
        found.setdefault(name, []).append(value)
    return list(found.values())


def test_the_open_llm_leaderboard_is_run_whole_with_both_averages_of_mmlu(measured):
    run, groups = measured("open-llm-leaderboard-v1", compares_command=True)
    assert run.tasks.count() == 57 + 5
    subjects = values_by_task(run, "mmlu_")
    assert sorted(map(len, subjects)) == [1] * 56 + [6]
    by_samples, by_subjects = fmean(chain(*subjects)), fmean(map(fmean, subjects))
    assert by_samples != by_subjects
    assert groups["mmlu"]["weighted"]["value"] == pytest.approx(by_samples)
    assert groups["mmlu"]["plain"]["value"] == pytest.approx(by_subjects)
    assert {"mmlu_stem", "mmlu_humanities", "mmlu_social_sciences", "mmlu_other"} <= groups.keys()
    other = [task.score["value"] for task in run.tasks.exclude(name__startswith="mmlu_")]
    board = groups["open-llm-leaderboard-v1"]
    assert board["main"] == "parts"
    assert board["parts"]["value"] == pytest.approx(fmean([*other, by_samples]))
    assert board["parts_plain"]["value"] == pytest.approx(fmean([*other, by_subjects]))
    shots = {t.name: t.fingerprint["definition"]["num_fewshot"] for t in run.tasks.all()}
    assert {shots[name] for name in shots if name.startswith("mmlu_")} == {5}
    assert shots["openllm::arc_challenge"] == 25
    assert shots["openllm::hellaswag"] == 10


def test_the_core_of_llmuses_is_run_whole_with_the_fields_of_every_exam(measured):
    run, groups = measured("llmuses-core", compares_command=False)
    assert run.tasks.count() == 57 + 52 + 67 + 27 + 7 + 9
    for exam, (beginning, _) in EXAMS.items():
        values = list(chain(*values_by_task(run, beginning)))
        assert groups[exam]["weighted"]["value"] == pytest.approx(fmean(values)), exam
    for exam in ("mmlu", "ceval-valid", "cmmlu"):
        fields = [f"{exam}_{field}" for field in ("stem", "humanities", "social_sciences", "other")]
        assert set(fields) <= groups.keys()
        members = [task for field in fields for task in run.groups[field]]
        assert sorted(members) == sorted(plan_selection([exam]).tasks)
    trivia = run.tasks.get(name="triviaqa")
    assert "f1,remove_whitespace" in trivia.scores
    whole = groups["llmuses-core"]
    parts = [run.tasks.get(name=part).score["value"] if part not in groups
             else groups[part][groups[part]["main"]]["value"]
             for part in run.groups["llmuses-core"]]  # fmt: skip
    assert len(parts) == 14
    assert whole["parts"]["value"] == pytest.approx(fmean(parts))
