"""A real worker, killed outright in the middle of a run: nothing finished is lost or repeated."""

import json
import os
import signal
import sqlite3
import sys
import time

import psutil
import pytest

from tests.benchmarks.tiny import save_checkpoint
from tests.end_to_end.arena_process import ROOT, ArenaProcess

# the mark has it run on PostgreSQL too; the arena brings its own database
pytestmark = [pytest.mark.slow, pytest.mark.django_db]
QUESTIONS = 1700
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
def options(tmp_path_factory):
    """One model and a file of questions, enough for several shards."""
    folder = tmp_path_factory.mktemp("parts")
    checkpoint = save_checkpoint(folder / "tiny", seed=3)
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


def sample_values(arena, run):
    found = rows(arena, f'SELECT "index", value, extracted, responses FROM benchmarks_sample '
                        f'WHERE run_id = {run} ORDER BY "index"')  # fmt: skip
    parsed = [(*r[:3], json.loads(r[3]) if isinstance(r[3], str) else r[3]) for r in found]
    return (
        [row[:3] for row in parsed],
        [reply["logprob"] for row in parsed for reply in row[3]],
    )


def test_a_killed_worker_loses_nothing_stored_and_the_run_equals_a_clean_one(arena, options):
    run, clean = (
        json.loads(arena.command("run_benchmark", *options, "--queue").stdout)["run"]
        for _ in range(2)
    )
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
    marks, likelihoods = sample_values(arena, run)
    clean_marks, clean_likelihoods = sample_values(arena, clean)
    assert marks == clean_marks
    assert likelihoods == pytest.approx(clean_likelihoods, abs=1e-4)
    status = rows(arena, f"SELECT status FROM benchmarks_benchmarkrun WHERE id = {run}")
    assert status == [("completed",)]
