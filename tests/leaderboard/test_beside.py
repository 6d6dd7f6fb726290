"""Benchmark scores and serving speed beside the ratings, never mixed and never red."""

import csv
import re

import pytest
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone

from arena.models import RunStatus
from benchmarks.models import BenchmarkRun, BenchmarkTask, EngineKind
from leaderboard.benchmark_columns import benchmark_columns
from leaderboard.services import take_snapshot
from speed.models import SpeedPhase, SpeedRun, SpeedStamps

pytestmark = pytest.mark.django_db


@pytest.fixture
def rated(board, votes):
    return take_snapshot(board=board)


@pytest.fixture
def scored():
    """A finished run of a model; ``tasks`` gives each task's score and fingerprint."""

    def make(model, tasks, *, groups=None, status=RunStatus.COMPLETED, metric="acc,none"):
        run = BenchmarkRun.objects.create(
            language_model=model, engine=EngineKind.LOCAL, status=status, groups=groups or {}
        )
        for name, (value, fingerprint) in tasks.items():
            estimate = {"value": value, "stderr": 0.05, "lower": value - 0.1, "upper": value + 0.1}
            BenchmarkTask.objects.create(
                run=run, name=name, suite="own", protocol="native", primary_metric=metric,
                fingerprint_hash=fingerprint, scores={metric: {**estimate, "n": 100}},
                audit={"scored": 100}, scored_at=timezone.now(),
            )  # fmt: skip
        return run

    return make


@pytest.fixture
def measured():
    """A model's speed run with one level of load."""

    def make(model, *, ttft_s=0.2, grade="green", work="w"):
        run = SpeedRun.objects.create(
            spec={"targets": []}, workload_key=work, target_key=model.slug, status="completed"
        )
        stamps = SpeedStamps.objects.create(run=run, content=b"", sha256="")
        return SpeedPhase.objects.create(
            run=run, stamps=stamps, number=0, phase=0, name="1 at once", language_model=model,
            load="closed", level=1, attempts=1, succeeded=1, failed=0, window_s=1, grade=grade,
            ttft_s=ttft_s, ttft_lower_s=0.9 * ttft_s, ttft_upper_s=1.1 * ttft_s, tpot_s=0.02,
        )  # fmt: skip

    return make


def board_text(client, **query):
    return client.get(reverse("board_detail", args=["main"]), query).content.decode()


def heads(text):
    return re.findall(r'<th scope="col" class="number"><span>([^<]+)<br>', text)


def test_a_board_without_scores_or_speed_has_no_further_columns(client, rated):
    text = board_text(client)
    assert heads(text) == []
    assert 'name="column"' not in text


def test_a_score_stands_beside_the_rating_with_interval_and_way_back(client, rated, scored, alpha):
    run = scored(alpha, {"arc_easy": (0.75, "f1")})
    text = board_text(client)
    assert heads(text) == ["arc_easy"]
    assert "95 % interval 65.0 – 85.0; 100 samples" in text
    assert reverse("benchmark_samples", args=[run.pk, run.tasks.get().pk]) in text


def test_scores_measured_in_different_ways_stand_in_different_columns(scored, alpha, beta):
    scored(alpha, {"arc_easy": (0.75, "f1")})
    scored(beta, {"arc_easy": (0.5, "f2")})
    assert [(c.title, set(c.scores)) for c in benchmark_columns()] == [
        ("arc_easy", {alpha.pk}),
        ("arc_easy (2)", {beta.pk}),
    ]


def test_a_group_of_one_metric_is_one_column_instead_of_its_tasks(scored, alpha):
    groups = {"mmlu": ["mmlu_stem", "law"], "mmlu_stem": ["physics", "biology"]}
    tasks = {"physics": (0.2, "p"), "biology": (0.4, "b"), "law": (0.6, "l")}
    scored(alpha, tasks, groups=groups)
    (column,) = benchmark_columns()
    assert column.title == "mmlu"
    assert column.scores[alpha.pk].value == pytest.approx(0.4)
    assert column.scores[alpha.pk].samples == 300


def test_groups_whose_parts_were_measured_differently_are_not_mixed(scored, alpha, beta):
    groups = {"pair": ["one", "two"]}
    scored(alpha, {"one": (0.2, "a"), "two": (0.4, "b")}, groups=groups)
    scored(beta, {"one": (0.2, "a"), "two": (0.4, "c")}, groups=groups)
    assert [set(column.scores) for column in benchmark_columns()] == [{alpha.pk}, {beta.pk}]


def test_a_group_with_a_task_still_unscored_is_no_column(scored, alpha):
    scored(alpha, {"one": (0.2, "a")}, groups={"pair": ["one", "two"]})
    assert [column.title for column in benchmark_columns()] == ["one"]


def test_the_newest_run_of_a_model_counts(scored, alpha):
    scored(alpha, {"arc_easy": (0.5, "f1")})
    assert benchmark_columns()[0].scores[alpha.pk].value == 0.5
    cache.delete("benchmark-columns")  # half a minute later
    scored(alpha, {"arc_easy": (0.75, "f1")})
    assert benchmark_columns()[0].scores[alpha.pk].value == 0.75


def test_a_run_that_was_stopped_half_way_has_no_score_yet(scored, alpha):
    scored(alpha, {"arc_easy": (0.75, "f1")}, status=RunStatus.STOPPED)
    assert benchmark_columns() == []


def test_speed_stands_beside_the_rating_in_milliseconds(client, rated, measured, alpha):
    measured(alpha, ttft_s=0.2)
    text = board_text(client)
    assert heads(text) == ["TTFT, ms", "Per token, ms"]
    assert "95 % interval 180 – 220; load: 1 at once" in text


def test_an_amber_speed_is_marked_as_doubtful(client, rated, measured, alpha):
    measured(alpha, grade="amber")
    assert "measured under conditions that leave some doubt" in board_text(client)


def test_a_red_speed_never_reaches_a_board(client, rated, measured, alpha):
    measured(alpha, grade="red")
    assert heads(board_text(client)) == []


@pytest.mark.parametrize(("works", "warned"), [(("w", "w"), False), (("w", "v"), True)])
def test_speeds_of_unequal_work_come_with_a_warning(
    client, rated, measured, alpha, beta, works, warned
):
    for model, work in zip((alpha, beta), works, strict=True):
        measured(model, work=work)
    assert ("not all measured with the same work" in board_text(client)) is warned


def test_only_staff_are_led_to_the_speed_run(client, admin_client, rated, measured, alpha):
    phase = measured(alpha)
    address = reverse("speed_phase", args=[phase.run_id, phase.number])
    assert address not in board_text(client)
    assert address in board_text(admin_client)


def test_the_usual_benchmarks_are_those_most_models_have(client, rated, scored, alpha, beta):
    scored(alpha, {name: (0.5, name) for name in ("a", "b", "c", "d")})
    scored(beta, {"d": (0.5, "d")})
    assert heads(board_text(client)) == ["d", "a", "b"]


def test_a_reader_chooses_columns_by_the_address(client, rated, scored, measured, alpha):
    scored(alpha, {name: (0.5, name) for name in ("a", "b", "c", "d")})
    measured(alpha)
    assert heads(board_text(client, column=["none", "d", "ttft"])) == ["TTFT, ms", "d"]
    assert heads(board_text(client, column="none")) == []


def test_chosen_columns_and_a_search_outlive_the_switch(client, rated, scored, alpha):
    scored(alpha, {"d": (0.5, "d")})
    text = board_text(client, column=["none", "d"], q="alpha")
    assert "?style=length&amp;q=alpha&amp;column=none&amp;column=d" in text


def test_further_columns_cost_a_fixed_number_of_queries(
    client, rated, scored, measured, alpha, beta, django_assert_num_queries
):
    for model in (alpha, beta):
        scored(model, {"arc_easy": (0.5, "f1")})
        measured(model)
    board_text(client)  # scores and what is said of the judges are kept for a while
    with django_assert_num_queries(8):
        board_text(client)


def test_the_api_gives_speed_and_scores_with_what_may_be_compared(client, scored, measured, alpha):
    scored(alpha, {"arc_easy": (0.75, "f1")})
    measured(alpha, ttft_s=0.2)
    found = client.get("/api/v1/models/alpha/figures").json()
    assert (found["speed"]["ttft_s"], found["speed"]["load"]) == (0.2, "1 at once")
    (score,) = found["benchmarks"]
    assert (score["benchmark"], score["fingerprint"], score["value"]) == ("arc_easy", "f1", 0.75)


def test_a_model_without_figures_has_none_in_the_api(client, alpha):
    assert client.get("/api/v1/models/alpha/figures").json() == {"speed": None, "benchmarks": []}


def test_a_boards_json_carries_the_columns_that_its_address_names(
    client, rated, scored, measured, alpha
):
    scored(alpha, {"arc_easy": (0.75, "f1"), "other": (0.5, "f2")})
    measured(alpha, ttft_s=0.2)
    address = reverse("board_json", args=["main"])
    speed, score = client.get(address, {"column": ["f1", "ttft"]}).json()["beside"]
    assert (speed["key"], speed["unit"], speed["figures"]["alpha"]["value"]) == ("ttft", "s", 0.2)
    assert speed["figures"]["alpha"]["grade"] == "green"
    assert (score["kind"], score["metric"], set(score["figures"])) == (
        "benchmark",
        "acc",
        {"alpha"},
    )
    assert score["figures"]["alpha"]["samples"] == 100


def test_a_boards_json_keeps_its_fields_when_no_column_is_named(client, rated, scored, alpha):
    scored(alpha, {"arc_easy": (0.75, "f1")})
    assert "beside" not in client.get(reverse("board_json", args=["main"])).json()


def test_a_column_that_is_not_there_is_left_out_of_the_json(client, rated):
    address = reverse("board_json", args=["main"])
    assert client.get(address, {"column": ["none", "ttft", "nothing"]}).json()["beside"] == []


def test_a_boards_csv_carries_the_columns_that_its_address_names(
    client, rated, scored, measured, alpha
):
    scored(alpha, {"=arc": (0.75, "f1")})
    measured(alpha, ttft_s=0.2)
    address = reverse("board_csv", args=["main"])
    bare = list(csv.DictReader(client.get(address).content.decode().splitlines()))
    text = client.get(address, {"column": ["f1", "ttft"]}).content.decode()
    rows = {row["model"]: row for row in csv.DictReader(text.splitlines())}
    assert rows["alpha"]["ttft_s"] == "0.2"
    assert rows["alpha"]["ttft_load"] == "1 at once"
    assert rows["alpha"]["'=arc acc"] == "0.75"
    assert rows["beta"]["ttft_s"] == ""
    assert list(rows["beta"])[: len(bare[0])] == list(bare[0])


def test_the_files_of_a_board_are_linked_with_the_columns_shown(client, rated, scored, alpha):
    scored(alpha, {"arc_easy": (0.5, "f 1")})
    assert "board.csv?&amp;column=f+1" in board_text(client)


def test_columns_of_the_json_cost_a_fixed_number_of_queries(
    client, rated, scored, measured, alpha, beta, django_assert_num_queries
):
    for model in (alpha, beta):
        scored(model, {"arc_easy": (0.5, "f1")})
        measured(model)
    benchmark_columns()
    with django_assert_num_queries(7):
        client.get(reverse("board_json", args=["main"]), {"column": ["f1", "ttft", "tpot"]})
