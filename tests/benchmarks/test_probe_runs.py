"""Probes beside their tasks in whole runs: what is asked, what is left out, and the drop."""

import json
import re

import pytest
from django.urls import reverse

from benchmarks.forms import LaunchForm
from benchmarks.models import BenchmarkTask, Sample
from benchmarks.probes.numbers import ONES
from benchmarks.services.drops import refresh_drops
from benchmarks.services.preparing import prepare_run
from benchmarks.services.question_files import save_question_file
from benchmarks.services.running import results, run_from_config, run_to_end
from benchmarks.services.scoring import refresh_scores, rescore
from benchmarks.suites_base import TaskError

pytest.importorskip("lm_eval")
pytestmark = pytest.mark.django_db(transaction=True)


def test_probes_run_beside_their_tasks_and_unsuitable_ones_are_left_out(configuration):
    names = ("mmlu_anatomy", "arc_easy", "gsm8k")
    run = run_to_end(
        run_from_config(configuration(*names, probes=["shuffled", "redrawn", "min_k"]))
    )
    # the prompts of ARC show no options, so shuffling and numberless questions change nothing
    assert {task.name for task in run.tasks.all()} == {
        *names, "shuffled@mmlu_anatomy", "redrawn@mmlu_anatomy", "redrawn@gsm8k",
        "min_k@mmlu_anatomy", "min_k@arc_easy", "min_k@gsm8k",
    }  # fmt: skip
    drop = run.tasks.get(name="shuffled@mmlu_anatomy").drop
    assert drop["original"] == run.tasks.get(name="mmlu_anatomy").pk
    assert drop["n"] + drop["unchanged"] == 4
    assert drop["lower"] <= drop["value"] <= drop["upper"]
    assert "gap,none" in run.tasks.get(name="min_k@mmlu_anatomy").scores
    assert run.tasks.get(name="min_k@arc_easy").score["value"] < 0


def test_a_shuffled_task_asks_the_same_questions_with_the_same_shots(configuration):
    run = prepare_run(run_from_config(configuration("mmlu_anatomy", num_fewshot=2,
                                                    probes=["shuffled"])))  # fmt: skip
    pairs = zip(*(run.samples.filter(task__name=name).order_by("index")
                  for name in ("mmlu_anatomy", "shuffled@mmlu_anatomy")), strict=True)  # fmt: skip
    changed = 0
    for before, after in pairs:
        asked, moved = (s.requests["contexts"][0].rpartition("\n\n") for s in (before, after))
        assert asked[0] == moved[0]
        assert sorted(line[3:] for line in asked[2].split("\n")[1:5]) == sorted(
            line[3:] for line in moved[2].split("\n")[1:5]
        )
        changed += asked[2] != moved[2]
        assert before.doc["choices"][before.target] == after.doc["choices"][after.target]
    assert changed


def test_a_redrawn_problem_has_the_answer_of_its_new_numbers(configuration):
    run = prepare_run(run_from_config(configuration("redrawn@gsm8k")))
    for sample in run.samples.all():
        price = re.search(r"costs (\w+)", sample.doc["question"])[1]
        number = int(price) if price.isdigit() else ONES.index(price)
        assert sample.target.rpartition("#### ")[2] == str(2 * number)


def test_a_task_asked_for_by_a_probe_it_does_not_suit_says_why(configuration):
    with pytest.raises(TaskError, match="very same prompts"):
        prepare_run(run_from_config(configuration("shuffled@needle_haystack")))
    with pytest.raises(TaskError, match="no probe named"):
        run_from_config(configuration("arc_easy", probes=["tarot"]))


def test_the_drop_is_paired_over_the_questions_that_changed(configuration):
    run = prepare_run(run_from_config(configuration("mmlu_anatomy", probes=["shuffled"], limit=6)))
    original, probe = (run.tasks.get(name=n) for n in ("mmlu_anatomy", "shuffled@mmlu_anatomy"))
    for task, values in ((original, [1, 1, 1, 0, 1, 0]), (probe, [0, 1, 0, 0, 1, 1])):
        for sample, value in zip(task.samples.order_by("index"), values, strict=True):
            hash_ = "same" if sample.index == 5 else f"{task.name[:8]}{sample.index}"
            Sample.objects.filter(pk=sample.pk).update(
                status="done", value=value, metrics={"acc,none": value}, prompt_hash=hash_
            )
        refresh_scores(task)
    refresh_drops(run)
    probe.refresh_from_db()
    assert probe.drop["value"] == pytest.approx(2 / 5)
    assert (probe.drop["n"], probe.drop["unchanged"]) == (5, 1)
    # [1, 0, 1, 0, 0]: sd 0.5477, over root 5
    assert probe.drop["stderr"] == pytest.approx(0.2449, abs=1e-4)


def test_the_original_may_have_been_measured_in_another_run(configuration):
    probed = run_to_end(run_from_config(configuration("shuffled@mmlu_anatomy")))
    assert probed.tasks.get().drop == {}
    plain = run_to_end(run_from_config(configuration("mmlu_anatomy")))
    assert probed.tasks.get().drop["original"] == plain.tasks.get().pk
    other = run_to_end(run_from_config(configuration("mmlu_anatomy", num_fewshot=3)))
    assert probed.tasks.get().drop["original"] == plain.tasks.get().pk != other.tasks.get().pk


def test_questions_in_a_corpus_are_counted_and_scored_apart(configuration, tmp_path):
    questions = [f"What did the {word} say about it all in the middle of the long night?"
                 for word in ("fox", "dog", "cat", "owl")]  # fmt: skip
    rows = [{"question": q, "A": "x", "B": "y", "answer": "A"} for q in questions]
    (tmp_path / "q.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    corpus = tmp_path / "corpus.txt"
    corpus.write_text(f"An old text. {questions[1].upper()} And so on.")
    run = run_to_end(
        run_from_config(
            configuration("general_mcq", corpus=str(corpus),
                          dataset_args={"general_mcq": {"local_path": str(tmp_path / "q.jsonl")}})
        )
    )  # fmt: skip
    shares = list(run.samples.order_by("index").values_list("overlap", flat=True))
    assert shares[1] == 1.0
    assert max(shares[0], shares[2], shares[3]) < 1
    Sample.objects.filter(run=run).exclude(index=1).update(overlap=0.0, value=0.0)
    Sample.objects.filter(run=run, index=1).update(value=1.0)
    refresh_drops(run)
    drop = results(run)["tasks"]["general_mcq"]["drop"]
    assert (drop["seen"], drop["clean"], drop["value"]) == (1, 3, 0.25)


def test_a_corpus_that_is_not_there_is_refused_at_once(configuration, tmp_path):
    with pytest.raises(TaskError, match="does not exist"):
        run_from_config(configuration("arc_easy", corpus=str(tmp_path / "nowhere")))


def test_the_board_shows_the_drop_beside_its_task(configuration, client):
    run_to_end(run_from_config(configuration("arc_easy", "mmlu_anatomy", probes=["shuffled"])))
    reply = client.get(reverse("benchmark_board"))
    assert [column.task for column in reply.context["board"].columns] == [
        "arc_easy", "mmlu_anatomy", "shuffled@mmlu_anatomy",
    ]  # fmt: skip
    assert "drop" in reply.content.decode()


def test_a_corpus_is_uploaded_like_questions_and_chosen_at_launch(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    stored = save_question_file(name="Web dump", kind="corpus", filename="dump.txt",
                                content=b"one line\n\nanother\n")  # fmt: skip
    assert stored.rows == 2
    form = LaunchForm({"model": str(tmp_path), "tasks": "arc_easy", "protocol": "native",
                       "precision": "fp32", "hub": "local", "corpus": stored.pk,
                       "probes": ["shuffled"]})  # fmt: skip
    assert form.is_valid(), form.errors
    asked = form.configuration()
    assert (asked["corpus"], asked["probes"]) == (stored.file.path, ["shuffled"])
    assert stored.file.path.endswith(".txt")
    assert stored not in form.fields["question_files"].queryset


def test_reading_answers_again_keeps_drops_to_what_was_read_alike(configuration):
    asked = configuration("mmlu_anatomy", probes=["shuffled"], protocol="generation")
    run = run_to_end(run_from_config(asked))
    original, probe = (run.tasks.get(name=n) for n in ("mmlu_anatomy", "shuffled@mmlu_anatomy"))
    assert probe.drop["original"] == original.pk
    rescore(task=original, extractor="marked")
    assert BenchmarkTask.objects.get(pk=probe.pk).drop == {}
    rescore(task=probe, extractor="marked")
    assert BenchmarkTask.objects.get(pk=probe.pk).drop["original"] == original.pk
