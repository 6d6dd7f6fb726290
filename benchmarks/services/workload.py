"""Driving a benchmark run's rows: ask, score, store."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Lock

from django.db import connections

from arena.calling import OpenModels
from arena.models import LanguageModel
from benchmarks.models import BenchmarkRun, BenchmarkTask, Device, EngineKind, Sample
from benchmarks.services.asking import Asker, EndpointAsker, LocalAsker
from benchmarks.services.drops import refresh_drops
from benchmarks.services.engines import engine_for
from benchmarks.services.libraries import LIBRARIES
from benchmarks.services.opening import open_task
from benchmarks.services.options import judges_of, run_options
from benchmarks.services.scoring import refresh_scores, stop_where_precise
from benchmarks.suites.programs import SandboxUnavailableError
from benchmarks.suites_base import (
    Json,
    JudgedTask,
    OpenTask,
    Response,
    SampleScore,
    sample_request,
    unpack_requests,
)
from providers.base import FailureKind, ProviderError

LOOK_EVERY_S = 5.0
REASON_CHARACTERS = 200
SHARDS_PER_WORKER = 4
LEAST_SHARD = 16


@dataclass(frozen=True, slots=True)
class Scored:
    responses: list[Response]
    score: SampleScore


@dataclass(slots=True)
class BenchmarkWorkload:
    """Asks for each sample's responses and scores them where the task's data are open.

    Local batches overlap: while one runs on the accelerator, the one before is scored and stored.
    """

    run: BenchmarkRun
    asker: Asker
    in_flight: int
    judges: dict[str, EndpointAsker] = field(default_factory=dict)
    called: OpenModels | None = None
    answered: dict[int, list[Response]] = field(default_factory=dict)
    tasks: dict[int, BenchmarkTask] = field(default_factory=dict)
    opened: dict[int, OpenTask] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)
    scorers: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(os.cpu_count() or 1, "scoring")
    )
    looked_at: float = field(default_factory=time.monotonic)

    @classmethod
    def open(cls, run: BenchmarkRun) -> BenchmarkWorkload:
        run = BenchmarkRun.objects.select_related("language_model__endpoint").get(pk=run.pk)
        called = OpenModels()
        judges = {
            model.slug: EndpointAsker(called.provider_of(model)) for model in judge_models(run)
        }
        if run.engine == EngineKind.LOCAL:
            asker = LocalAsker(lambda: engine_for(run.model_args))
            shard = shard_size(run, asker.batch_size)
            return cls(run, asker, shard, judges=judges, called=called)
        provider = called.provider_of(run.language_model)
        in_flight = max(min(provider.config.max_concurrency, 256), 1)
        return cls(run, EndpointAsker(provider), in_flight, judges=judges, called=called)

    def load(self, ids: Sequence[int]) -> list[Sample]:
        rows = list(Sample.objects.filter(pk__in=ids).order_by("id"))
        if isinstance(self.asker, LocalAsker):
            # batches get larger or smaller, workers come and go
            self.in_flight = shard_size(self.run, self.asker.batch_size)
        for task_id in {row.task_id for row in rows} - self.tasks.keys():
            self.tasks[task_id] = BenchmarkTask.objects.select_related("run").get(pk=task_id)
        return rows

    async def perform(self, sample: Sample) -> Scored:
        loop = asyncio.get_running_loop()
        # a sample whose judge failed is tried again; its answer need not be
        responses = self.answered.get(sample.pk)
        if responses is None:
            requests = [sample_request(values) for values in unpack_requests(sample.requests)]
            responses = await self.asker.ask(requests)
        if self.judges:
            self.answered[sample.pk] = responses
            task = await loop.run_in_executor(self.scorers, self._open, sample.task_id)
            responses = [*responses, *await self._judge(task, sample, responses)]
            del self.answered[sample.pk]
        try:
            score = await loop.run_in_executor(self.scorers, self._score, sample, responses)
        except SandboxUnavailableError as error:
            raise ProviderError(FailureKind.SERVER_ERROR, f"sandbox: {error}") from error
        return Scored(responses, score)

    async def _judge(
        self, task: OpenTask, sample: Sample, responses: list[Response]
    ) -> list[Response]:
        if not isinstance(task, JudgedTask) or not task.judge:
            return []
        request = task.judge_request(stored_sample(sample), responses)
        return await self.judges[task.judge].ask([request])

    def _score(self, sample: Sample, responses: list[Response]) -> SampleScore:
        task = self._open(sample.task_id)
        stored = stored_sample(sample)
        if getattr(task, "is_thread_safe", False):
            return task.score(sample.index, stored, responses)
        with self.lock:
            return task.score(sample.index, stored, responses)

    def _open(self, task_id: int) -> OpenTask:
        with self.lock:
            if task_id not in self.opened:
                with LIBRARIES:
                    self.opened[task_id] = open_task(self.tasks[task_id])
            return self.opened[task_id]

    def failure_columns(self, _: Sample) -> dict[str, object]:
        return {}

    def columns(self, sample: Sample, result: Scored) -> dict[str, object]:
        self._look()
        score = result.score
        value = score.metrics.get(self.tasks[sample.task_id].primary_metric)
        return {
            "responses": [storable(response.as_dict()) for response in result.responses],
            "metrics": storable(dict(score.metrics)),
            "value": float(value) if isinstance(value, int | float) else None,
            "extracted": storable(score.extracted),
            "reason_words": reason_words(score.reasons),
            "detail": storable(dict(score.detail)),
        }

    def _look(self) -> None:
        """Every few seconds, on the thread of the database: is a task precise enough already?"""
        if self.run.precision_goal and time.monotonic() - self.looked_at > LOOK_EVERY_S:
            self.looked_at = time.monotonic()
            stop_where_precise(self.run)

    async def aclose(self) -> None:
        await self.asker.aclose()
        if self.called is not None:
            await self.called.aclose()
        await asyncio.to_thread(self._finish)
        self.scorers.shutdown(wait=False)

    def _finish(self) -> None:
        """Scores with their errors, while the tasks are open: aggregations need them."""
        try:
            if self.run.precision_goal:
                stop_where_precise(self.run)
            for task_id, task in self.tasks.items():
                task.refresh_from_db()
                refresh_scores(task, self.opened.get(task_id))
            refresh_drops(self.run)
        finally:
            connections.close_all()


def shard_size(run: BenchmarkRun, batch_size: int) -> int:
    """How many samples a worker takes on at once (it claims twice as many).

    Two batches, one to be asked while the other is scored; where several workers share a run, small
    enough that each gets several shards, so that none takes everything and a killed one loses
    little.
    """
    workers = Device.objects.alive().count()
    if workers < 2:
        return 2 * batch_size
    share = -(-run.items().unfinished().count() // (SHARDS_PER_WORKER * workers))
    return min(max(share, LEAST_SHARD), 2 * batch_size)


def stored_sample(sample: Sample) -> dict[str, Json]:
    """A row as its task sees it."""
    return {
        "requests": unpack_requests(sample.requests),
        "target": sample.target,
        "choices": sample.choices,
        "doc": sample.doc,
    }


def judge_models(run: BenchmarkRun) -> list[LanguageModel]:
    """The models that grade answers, each within its own endpoint's limits."""
    named = LanguageModel.objects.filter(slug__in=judges_of(run_options(run.options)))
    return list(named.select_related("endpoint"))


def reason_words(reasons: Sequence[str]) -> str:
    """Reasons between spaces, so that one can be looked for as a whole word."""
    return f" {' '.join(reasons)} "[:REASON_CHARACTERS] if reasons else ""


def storable(value: Json) -> Json:
    """The value without NUL characters, which PostgreSQL stores in no text."""
    if isinstance(value, str):
        return value.replace("\x00", "\N{REPLACEMENT CHARACTER}")
    if isinstance(value, dict):
        return {name: storable(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [storable(part) for part in value]
    return value
