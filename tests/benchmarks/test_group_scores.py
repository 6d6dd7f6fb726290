"""The averages of groups, by hand on a small tree."""

import pytest

from benchmarks.harness.categories import category_groups
from benchmarks.models import BenchmarkRun, BenchmarkTask, EngineKind
from benchmarks.services.group_scores import group_scores
from benchmarks.statistics.estimates import error_between_tasks, mean_estimate

# (right, wrong) per task
TASKS = {"one": (3, 1), "two": (5, 5), "alone": (1, 1)}
GROUPS = {"inner": ["one", "two"], "top": ["inner", "alone"]}


@pytest.fixture
def run(alpha):
    run = BenchmarkRun.objects.create(
        language_model=alpha, engine=EngineKind.LOCAL, groups=GROUPS, plain_groups=["top"]
    )
    for name, (right, wrong) in TASKS.items():
        score = mean_estimate([1.0] * right + [0.0] * wrong).as_dict()
        BenchmarkTask.objects.create(run=run, name=name, suite="own", protocol="native",
                                     primary_metric="acc,none", fingerprint_hash="x",
                                     scores={"acc,none": score})  # fmt: skip
    return run


@pytest.mark.django_db
def test_a_leaderboards_average_counts_a_group_below_as_one(run):
    top = group_scores(run)["top"]
    assert top["main"] == "parts"
    assert top["parts"]["value"] == pytest.approx((8 / 14 + 1 / 2) / 2)
    assert top["parts_plain"]["value"] == pytest.approx(((3 / 4 + 1 / 2) / 2 + 1 / 2) / 2)
    assert top["plain"]["value"] == pytest.approx((3 / 4 + 1 / 2 + 1 / 2) / 3)


@pytest.mark.django_db
def test_a_group_that_weights_by_size_says_so_and_gives_both_errors(run):
    inner = group_scores(run)["inner"]
    assert inner["main"] == "weighted"
    assert inner["weighted"]["value"] == pytest.approx(8 / 14)
    between = ((4 * (3 / 4 - 8 / 14)) ** 2 + (10 * (1 / 2 - 8 / 14)) ** 2) ** 0.5 / 14
    assert inner["weighted"]["stderr_between_tasks"] == pytest.approx(between)
    assert "parts" not in inner


def test_the_error_between_tasks_is_the_clustered_error_of_their_samples():
    scores = [1.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0]
    clusters = "aaabbbb"
    parts = [mean_estimate(scores[:3]), mean_estimate(scores[3:])]
    assert error_between_tasks(parts) == pytest.approx(mean_estimate(scores, clusters).stderr)


@pytest.mark.django_db
def test_a_group_without_any_score_is_left_out(alpha):
    run = BenchmarkRun.objects.create(
        language_model=alpha, engine=EngineKind.LOCAL, groups={"g": ["t"]}
    )
    assert group_scores(run) == {}


def test_chinese_exams_have_their_fields_of_study():
    tasks = ("ceval-valid_law", "ceval-valid_advanced_mathematics", "ceval-valid_physician")
    assert category_groups(tasks, {"ceval-valid": tasks}) == {
        "ceval-valid_stem": ("ceval-valid_advanced_mathematics",),
        "ceval-valid_humanities": ("ceval-valid_law",),
        "ceval-valid_other": ("ceval-valid_physician",),
        "ceval-valid_hard": ("ceval-valid_advanced_mathematics",),
    }
    assert category_groups(("mmlu_law",), {"mmlu": ("mmlu_law",)}) == {}
