"""Whole runs on a tiny model: the same numbers however they are cut, killed or resumed."""

import datetime as dt
import json
from io import StringIO

import pytest
import yaml
from django.core.management import CommandError, call_command

from arena.models import LanguageModel, RunStatus, WorkStatus
from arena.services.driving import drive_here, drive_run_chunk
from arena.work.dispatch import DriveOptions
from benchmarks import run_task
from benchmarks.models import BenchmarkRun, Sample
from benchmarks.services.preparing import create_benchmark_run, plan_selection, prepare_run
from benchmarks.services.running import results, run_from_config, run_to_end
from benchmarks.services.scoring import readings_of, refresh_scores, rescore
from benchmarks.suites_base import TaskError

pytest.importorskip("lm_eval")
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("small_catalogue")]


def rows_of(run):
    fields = ("task__name", "index", "metrics", "extracted", "reason_words", "value")
    return list(run.samples.order_by("task__name", "index").values_list(*fields))


def test_a_task_configuration_runs_from_python_as_a_mapping_and_from_a_file(
    configuration, tmp_path
):
    wanted = configuration("arc_easy", "gsm8k", few_shot_num=1)
    by_mapping = run_task(wanted)
    assert by_mapping["status"] == RunStatus.COMPLETED
    shots = BenchmarkRun.objects.get().tasks.get(name="arc_easy").fingerprint["definition"]
    assert shots["num_fewshot"] == 1
    (tmp_path / "task.yaml").write_text(yaml.safe_dump(wanted))
    by_file = run_task(tmp_path / "task.yaml")
    assert by_file["tasks"] == by_mapping["tasks"]


def test_the_same_run_again_gives_the_same_rows(configuration):
    first = run_to_end(run_from_config(configuration("arc_easy", "gsm8k")))
    again = run_to_end(run_from_config(configuration("arc_easy", "gsm8k")))
    assert rows_of(first) == rows_of(again)


def test_a_killed_run_resumed_equals_a_clean_one(configuration):
    clean = run_to_end(run_from_config(configuration("arc_easy", "gsm8k", limit=6)))
    run = prepare_run(run_from_config(configuration("arc_easy", "gsm8k", limit=6)))
    run.status = RunStatus.ACTIVE
    run.save()
    # a worker that died in the middle: rows claimed, nothing stored, its lease run out
    run.items().claim(limit=5, owner="dead:1:1", lease_s=-1)
    half = list(run.items().values_list("id", flat=True)[:3])
    run.items().filter(id__in=half).update(status=WorkStatus.PENDING, lease_owner="")
    drive_run_chunk("benchmark", run.pk)
    run.refresh_from_db()
    assert run.status == RunStatus.COMPLETED
    assert rows_of(run) == rows_of(clean)


def test_sharing_a_run_between_workers_changes_no_score(configuration):
    whole = run_to_end(run_from_config(configuration("arc_easy", "hellaswag")))
    run = prepare_run(run_from_config(configuration("arc_easy", "hellaswag")))
    run.status = RunStatus.ACTIVE
    run.save()
    # the other worker holds every second row first
    ids = list(run.items().values_list("id", flat=True))
    run.items().filter(id__in=ids[::2]).update(status=WorkStatus.CLAIMED, lease_owner="other/1")
    drive_here(run, options=DriveOptions(wait_s=0))
    run.items().filter(id__in=ids[::2]).update(status=WorkStatus.PENDING, lease_owner="")
    drive_run_chunk("benchmark", run.pk)
    assert [(r[0], r[1], r[5]) for r in rows_of(run)] == [
        (r[0], r[1], r[5]) for r in rows_of(whole)
    ]


def test_a_run_in_writing_asks_tasks_without_choices_in_their_own_way(configuration):
    names = ("arc_easy", "gsm8k", "clue_cmrc2018", "needle_haystack")
    own = {"needle_haystack": {"lengths": [60], "depths": [0]}}
    mixed = run_to_end(
        run_from_config(configuration(*names, protocol="generation", dataset_args=own))
    )
    native = run_to_end(run_from_config(configuration(*names, dataset_args=own)))
    assert mixed.status == RunStatus.COMPLETED
    protocols = dict(mixed.tasks.values_list("name", "protocol"))
    assert protocols == dict.fromkeys(names, "native") | {"arc_easy": "generation"}
    # so their scores stand in the same columns
    prints = [dict(r.tasks.values_list("name", "fingerprint_hash")) for r in (mixed, native)]
    assert {name for name in names if prints[0][name] == prints[1][name]} == set(names[1:])
    with pytest.raises(TaskError, match="cannot be asked for a letter"):
        prepare_run(run_from_config(configuration("gsm8k", protocol="letters")))


def test_preparing_twice_makes_rows_once(configuration):
    run = prepare_run(run_from_config(configuration("arc_easy")))
    count = run.samples.count()
    prepare_run(run)
    assert run.samples.count() == count == 4


def test_group_scores_are_weighted_and_plain(configuration, monkeypatch):
    run = run_to_end(
        run_from_config(
            configuration("mmlu_anatomy", "mmlu_astronomy", dataset_args={
                "mmlu_astronomy": {"limit": 2}}, num_fewshot=2)
        )
    )  # fmt: skip
    run.groups = {"both": ["mmlu_anatomy", "mmlu_astronomy"]}
    found = results(run)
    scores = [t["metrics"]["acc,none"] for t in found["tasks"].values()]
    assert [score["n"] for score in scores] == [4, 2]
    weighted = (scores[0]["value"] * 4 + scores[1]["value"] * 2) / 6
    assert found["groups"]["both"]["weighted"]["value"] == pytest.approx(weighted)
    plain = (scores[0]["value"] + scores[1]["value"]) / 2
    assert found["groups"]["both"]["plain"]["value"] == pytest.approx(plain)


def test_a_selection_names_its_shots_and_its_averages():
    plan = plan_selection(["open-llm-leaderboard-v1"])
    shots = {planned.name: planned.shots for planned in plan.tasks.values()}
    assert shots["openllm::arc_challenge"] == 25
    assert shots["mmlu_anatomy"] == 5
    assert len(plan.tasks) == 57 + 5
    assert plan.groups["open-llm-leaderboard-v1"][2] == "mmlu"
    assert plan.plain_groups == {"open-llm-leaderboard-v1"}


def test_other_protocols_have_other_fingerprints(configuration):
    native = prepare_run(run_from_config(configuration("arc_easy")))
    written = prepare_run(run_from_config(configuration("arc_easy", protocol="generation")))
    hashes = {run.tasks.get().fingerprint_hash for run in (native, written)}
    assert len(hashes) == 2


def test_rescoring_reads_stored_answers_with_another_extractor(configuration, monkeypatch):
    run = run_to_end(run_from_config(configuration("arc_easy", protocol="generation")))
    task = run.tasks.get()
    before = task.fingerprint_hash
    sample = run.samples.first()
    Sample.objects.filter(pk=sample.pk).update(
        target=["B"], responses=[{"text": "I mean (B), of course"}]
    )
    monkeypatch.setattr("benchmarks.services.workload.engine_for", pytest.fail)
    rescore(task=task, extractor="marked")
    assert Sample.objects.get(pk=sample.pk).reasons == ["invalid"]
    rescore(task=task, extractor="lenient")
    assert Sample.objects.get(pk=sample.pk).extracted == "B"
    assert task.fingerprint_hash != before or task.extractor == "lenient"
    assert task.audit["scored"] == 4


def test_a_generation_task_is_read_again_by_another_of_its_filters(configuration, monkeypatch):
    run = run_to_end(run_from_config(configuration("gsm8k")))
    task = run.tasks.get()
    strict, before = task.primary_metric, task.fingerprint_hash
    assert readings_of(task) == ["flexible-extract", "strict-match"]
    values = {strict: 0.0, "exact_match,flexible-extract": 1.0}
    run.samples.update(metrics=values, value=0.0)
    monkeypatch.setattr("benchmarks.services.workload.engine_for", pytest.fail)
    rescore(task=task, extractor="flexible-extract")
    assert (task.score["value"], task.score["n"]) == (1.0, 4)
    assert set(run.samples.values_list("value", flat=True)) == {1.0}
    assert task.fingerprint_hash != before
    with pytest.raises(TaskError, match="no extractor reads it"):
        rescore(task=task, extractor="marked")


def test_earlier_samples_of_the_same_model_are_taken_over_and_no_others(configuration):
    run_to_end(run_from_config(configuration("arc_easy")))
    again = prepare_run(run_from_config(configuration("arc_easy", use_cache=True)))
    assert again.samples.scored().count() == 4
    other = prepare_run(
        run_from_config(configuration("arc_easy", use_cache=True,
                                      model_args={"precision": "fp32", "max_length": 128}))
    )  # fmt: skip
    assert other.samples.scored().count() == 0


def test_a_precise_task_stops_early_and_says_so(configuration):
    run = prepare_run(run_from_config(configuration("arc_easy", precision_goal=0.2)))
    task = run.tasks.get()
    first = run.samples.first()
    made = [
        Sample(run=run, task=task, index=100 + i, requests=first.requests, prompt_hash="x",
               status=WorkStatus.DONE, value=float(i % 2), metrics={task.primary_metric: i % 2})
        for i in range(120)
    ]  # fmt: skip
    Sample.objects.bulk_create(made)
    from benchmarks.services.scoring import stop_where_precise

    assert stop_where_precise(run) == 4
    task.refresh_from_db()
    assert task.stopped_early
    assert refresh_scores(task).score["n"] == 120


def test_the_command_runs_describes_and_writes(configuration, checkpoint, data, tmp_path):
    output, out = tmp_path / "scores.json", StringIO()
    call_command(
        "run_benchmark", model=str(checkpoint), datasets=["arc"], limit=3.0, stdout=out,
        dataset_hub="Local", dataset_dir=str(data), model_args="precision=fp32",
        dataset_args='{"arc_easy": {"few_shot_num": 2}}', output=str(output),
    )  # fmt: skip
    written = json.loads(output.read_text())
    assert set(written["tasks"]) == {"arc_easy", "arc_challenge"}
    assert "acc_norm,none" in out.getvalue()
    run = BenchmarkRun.objects.get(pk=written["run"])
    shots = {t.name: t.fingerprint["definition"]["num_fewshot"] for t in run.tasks.all()}
    assert shots == {"arc_easy": 2, "arc_challenge": 0}


def test_a_dry_run_shows_the_prompt_and_leaves_nothing(checkpoint, data):
    out = StringIO()
    call_command(
        "run_benchmark", model=str(checkpoint), datasets=["arc_easy"], limit=2.0, dry_run=True,
        dataset_hub="Local", dataset_dir=str(data), stdout=out,
    )  # fmt: skip
    assert "Question: Why" in out.getvalue()
    assert "Nothing was run" in out.getvalue()
    assert not BenchmarkRun.objects.exists()


def test_tasks_are_listed_and_described():
    out = StringIO()
    call_command("run_benchmark", list_tasks="mmlu_a", stdout=out)
    assert "mmlu_anatomy" in out.getvalue()
    call_command("run_benchmark", describe="open-llm-leaderboard-v1", stdout=out)
    assert "openllm::hellaswag" in out.getvalue()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"datasets": ["no_such"]}, "--list-tasks"),
        ({"datasets": ["arc"], "model": "nothing-here"}, "neither a model"),
        ({"datasets": ["arc"], "model_args": "precision=fp7"}, "precision"),
        ({"datasets": ["arc"], "dataset_hub": "Attic"}, "HuggingFace, ModelScope or Local"),
        ({"datasets": ["arc"], "dataset_args": "[1]"}, "JSON object"),
    ],
)
def test_a_command_that_cannot_work_says_why(checkpoint, data, changes, reason):
    options = {"model": str(checkpoint), "dataset_hub": "Local", "dataset_dir": str(data)}
    with pytest.raises(CommandError, match=reason):
        call_command("run_benchmark", **(options | changes), stdout=StringIO())


def test_a_chat_endpoint_is_asked_for_letters_not_likelihoods(data):
    from arena.models import Endpoint

    endpoint = Endpoint.objects.create(slug="here", provider="openai_compatible",
                                       base_url="http://127.0.0.1:9/v1")  # fmt: skip
    model = LanguageModel.objects.create(slug="remote", display_name="R", endpoint=endpoint)
    run = create_benchmark_run(
        language_model=model, selection=["arc_easy"],
        options={"hub": "local", "dataset_dir": str(data), "limit": 2},
    )  # fmt: skip
    with pytest.raises(TaskError, match="protocol 'generation' or 'letters'"):
        prepare_run(run)
    assert run.tasks.count() == 0


def fingerprint_of(configuration, *names, **changes):
    return prepare_run(run_from_config(configuration(*names, **changes))).tasks.get().fingerprint


def test_the_fingerprint_knows_every_prompt_the_precision_and_the_chat_format(
    configuration, tmp_path
):
    rows = [{"question": f"q{i}", "A": "x", "B": "y", "answer": "A"} for i in range(3)]
    path = tmp_path / "q.jsonl"
    made = []
    for last in ("q2", "other"):
        rows[2]["question"] = last
        path.write_text("\n".join(json.dumps(row) for row in rows))
        arguments = {"general_mcq": {"local_path": str(path)}}
        made.append(fingerprint_of(configuration, "general_mcq", dataset_args=arguments))
    assert made[0]["prompt"] != made[1]["prompt"]
    auto = fingerprint_of(configuration, "arc_easy", model_args={"precision": "auto"})
    plain = fingerprint_of(configuration, "arc_easy")
    assert auto == plain
    assert plain["precision"] == "fp32"
    chat = fingerprint_of(configuration, "arc_easy", apply_chat_template=True)
    assert (plain["chat"], len(chat["chat"])) == ("", 16)


def test_time_is_forecast_by_samples_of_the_same_tasks_and_by_tokens_of_others(configuration):
    first = run_to_end(run_from_config(configuration("arc_easy")))
    ended = first.started_at + dt.timedelta(seconds=100)
    BenchmarkRun.objects.update(finished_at=ended)
    again = prepare_run(run_from_config(configuration("arc_easy", limit=2)))
    assert again.forecast["seconds"] == 50.0
    other = prepare_run(run_from_config(configuration("hellaswag")))
    tokens = other.forecast["input_tokens"] / first.forecast["input_tokens"]
    assert other.forecast["seconds"] == pytest.approx(100 * tokens, abs=0.1)
