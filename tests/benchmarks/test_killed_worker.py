"""A real worker, killed outright in the middle of a run: nothing finished is lost or repeated."""

import json
import os
import signal
import sqlite3
import sys
import time

import psutil
import pytest

from benchmarks.engine.loading import load_model
from benchmarks.engine.local import LocalEngine
from benchmarks.engine.spec import ModelSpec
from benchmarks.questions.tasks import likelihood_score
from benchmarks.services.asking import respond
from benchmarks.suites_base import sample_request, unpack_requests
from tests.benchmarks.tiny import save_checkpoint
from tests.end_to_end.arena_process import ROOT, ArenaProcess

# the mark has it run on PostgreSQL too; the arena brings its own database
pytestmark = [pytest.mark.slow, pytest.mark.django_db]
QUESTIONS = 360  # more than a worker claims at once, so that it is killed in the middle
PATIENCE_S = 240.0


@pytest.fixture(scope="module")
def arena(tmp_path_factory):
    process = ArenaProcess(
        tmp_path_factory.mktemp("arena"), PYTHONWARNINGS="", BENCHMARK_THREADS="1"
    )
    try:
        process.command("migrate", "--verbosity", "0")
        yield process
    finally:
        process.close()


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return save_checkpoint(tmp_path_factory.mktemp("model") / "tiny", seed=3)


@pytest.fixture(scope="module")
def options(tmp_path_factory, checkpoint):
    """One model and a file of questions, enough for several shards."""
    folder = tmp_path_factory.mktemp("parts")
    rows = "".join(
        json.dumps({"question": f"Which is number {i}?", "A": "one", "B": "two", "C": f"no {i}",
                    "answer": "ABC"[i % 3]}) + "\n"
        for i in range(QUESTIONS)
    )  # fmt: skip
    (folder / "mine.jsonl").write_text(rows)
    settings = {"general_mcq:mine": {"local_path": str(folder / "mine.jsonl")}}
    return [
        *("--model", str(checkpoint), "--datasets", "general_mcq:mine", "--quiet", "--json"),
        *("--model-args", "precision=fp32", "--dataset-args", json.dumps(settings)),
    ]


def rows(arena, query):
    """Ask the arena's database directly: a worker is not to be kept waiting for a process start."""
    if arena.is_production:
        import psycopg

        url = arena.environment["DATABASE_URL"].replace("postgres://", "postgresql://")
        with psycopg.connect(url) as connection:
            return connection.execute(query).fetchall()
    connection = sqlite3.connect(arena.home / "agon.sqlite3", timeout=20)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def finished(arena, run):
    found = rows(arena, f"SELECT id, finished_at FROM benchmarks_sample "
                        f"WHERE run_id = {run} AND status = 'done'")  # fmt: skip
    return dict(found)


def until(arena, condition):
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, arena.log.read_text()[-3000:]
        time.sleep(0.02)  # another process works; there is nothing to inject


def stored_samples(arena, run):
    names = ("index", "requests", "target", "choices", "doc", "value", "extracted", "responses")
    columns = ", ".join(f'"{name}"' for name in names)
    found = rows(arena, f'SELECT {columns} FROM benchmarks_sample '
                        f'WHERE run_id = {run} ORDER BY "index"')  # fmt: skip
    kept = ("requests", "target", "choices", "doc", "responses")
    samples = [dict(zip(names, row, strict=True)) for row in found]
    for sample in samples:
        for name in kept:
            value = sample[name]
            sample[name] = json.loads(value) if isinstance(value, str) else value
    return samples


def asked_without_a_break(checkpoint, samples):
    """Marks, letters and likelihoods of the same prompts from one engine, all at once."""
    engine = LocalEngine(load_model(ModelSpec(str(checkpoint), precision="fp32")))
    requests = [[sample_request(r) for r in unpack_requests(s["requests"])] for s in samples]
    responses = iter(respond(engine, [request for part in requests for request in part]))
    answered = [[next(responses) for _ in part] for part in requests]
    scores = [likelihood_score(s, a) for s, a in zip(samples, answered, strict=True)]
    marks = [(score.metrics["acc,none"], score.extracted) for score in scores]
    return marks, [found.logprob for part in answered for found in part]


def test_a_killed_worker_loses_nothing_stored_and_the_run_equals_a_clean_one(
    arena, options, checkpoint
):
    run = json.loads(arena.command("run_benchmark", *options, "--queue").stdout)["run"]
    arena._spawn("gpu", [sys.executable, str(ROOT / "manage.py"), "gpu_worker", "--until-idle"])
    until(arena, lambda: finished(arena, run))
    (worker,) = psutil.Process(arena.processes["gpu"].pid).children()
    os.kill(worker.pid, signal.SIGKILL)
    before = finished(arena, run)
    assert 0 < len(before) < QUESTIONS
    until(arena, lambda: len(finished(arena, run)) == QUESTIONS)
    until(arena, lambda: arena.processes["gpu"].poll() is not None)
    after = finished(arena, run)
    assert {pk: after[pk] for pk in before} == before
    ((repeated,),) = rows(arena, f"SELECT COUNT(*) FROM benchmarks_sample "
                                 f"WHERE run_id = {run} AND attempts > 1")  # fmt: skip
    assert 0 < repeated <= QUESTIONS - len(before)
    samples = stored_samples(arena, run)
    marks, likelihoods = asked_without_a_break(checkpoint, samples)
    assert [(sample["value"], sample["extracted"]) for sample in samples] == marks
    stored = [reply["logprob"] for sample in samples for reply in sample["responses"]]
    assert stored == pytest.approx(likelihoods, abs=1e-4)
    status = rows(arena, f"SELECT status FROM benchmarks_benchmarkrun WHERE id = {run}")
    assert status == [("completed",)]
