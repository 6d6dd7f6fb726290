"""Two devices at one run: its samples are shared out, and no score shows it."""

import asyncio
import json
from collections import Counter

import pytest

from arena.models import RunStatus
from arena.services.runs import finish_if_done
from arena.work.dispatch import drive
from benchmarks import hardware
from benchmarks.engine.loading import load_model
from benchmarks.engine.local import LocalEngine
from benchmarks.engine.spec import model_spec
from benchmarks.models import BenchmarkRun
from benchmarks.services.accelerators import report_device
from benchmarks.services.asking import LocalAsker
from benchmarks.services.preparing import prepare_run
from benchmarks.services.running import run_from_config
from benchmarks.services.workload import BenchmarkWorkload
from tests.benchmarks.test_accelerators import LINES

pytestmark = pytest.mark.django_db(transaction=True)
QUESTIONS = 160


class CountedEngine:
    """An engine of its own, as each device has one, that remembers its batches."""

    def __init__(self, model_args):
        self.inner = LocalEngine(load_model(model_spec(model_args)))
        self.batches = []

    def __getattr__(self, name):
        return getattr(self.inner, name)

    def likelihoods(self, requests):
        self.batches.append(len(requests))
        return self.inner.likelihoods(requests)


@pytest.fixture
def prepared(checkpoint, tmp_path):
    rows = [{"question": f"Which is number {i}?", "A": "one", "B": f"no {i}", "answer": "AB"[i % 2]}
            for i in range(QUESTIONS)]  # fmt: skip
    path = tmp_path / "mine.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))

    def make():
        run = run_from_config({
            "model": str(checkpoint), "model_args": {"precision": "fp32"},
            "datasets": ["general_mcq:mine"],
            "dataset_args": {"general_mcq:mine": {"local_path": str(path)}},
        })  # fmt: skip
        prepare_run(run)
        BenchmarkRun.objects.filter(pk=run.pk).update(status=RunStatus.ACTIVE)
        run.refresh_from_db()
        return run

    return make


def driven_by(run, engines):
    """Each engine with a driver of its own, at once, as in the processes of two workers."""

    workloads = [BenchmarkWorkload.open(run) for _ in engines]
    for workload, engine in zip(workloads, engines, strict=True):
        workload.asker = LocalAsker(lambda engine=engine: engine)

    async def together():
        await asyncio.gather(*(drive(run, workload) for workload in workloads))

    asyncio.run(together())
    finish_if_done(run)
    run.refresh_from_db()
    assert run.status == RunStatus.COMPLETED
    return run


def scores(run):
    task = run.tasks.get()
    samples = run.samples.order_by("index").values_list("value", "extracted", "responses")
    return task.scores, task.fingerprint_hash, list(samples)


def test_two_devices_share_a_run_and_score_it_as_one_does(prepared, monkeypatch):
    alone = driven_by(prepared(), [CountedEngine(prepared().model_args)])
    for gpu in hardware.parse_nvidia(LINES):
        report_device("host", gpu)
    shared = prepared()
    engines = [CountedEngine(shared.model_args) for _ in range(2)]
    driven_by(shared, engines)
    asked = [sum(engine.batches) // 2 for engine in engines]
    assert sum(asked) == QUESTIONS
    # an eighth of the run at once for each of the two, so that neither takes it all
    assert all(count >= QUESTIONS // 8 for count in asked)
    assert all(len(engine.batches) > 1 for engine in engines)
    assert Counter(shared.samples.values_list("attempts", flat=True)) == {1: QUESTIONS}
    (one, print_one, rows_one), (two, print_two, rows_two) = scores(alone), scores(shared)
    assert one == two
    assert print_one == print_two
    for (value, letter, said), (other, other_letter, other_said) in zip(
        rows_one, rows_two, strict=True
    ):
        assert (value, letter) == (other, other_letter)
        logprobs, others = ([r["logprob"] for r in found] for found in (said, other_said))
        assert logprobs == pytest.approx(others, abs=1e-4)


def test_a_shard_follows_the_time_that_batches_take_and_the_workers_that_come(prepared):
    run = prepared()
    workload = BenchmarkWorkload.open(run)
    assert workload.in_flight == 2 * 64
    workload.asker.batch_size = 32
    workload.load([])
    assert workload.in_flight == 64
    for gpu in hardware.parse_nvidia(LINES):
        report_device("host", gpu)
    workload.load([])
    assert workload.in_flight == QUESTIONS // 8
    asyncio.run(workload.aclose())
