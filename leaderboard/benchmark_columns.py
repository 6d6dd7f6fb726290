"""Benchmark scores that may stand beside ratings: a column holds one way of measuring only.

A group of tasks that report the same metric (MMLU's subjects, say) is one column, weighted by size
as lm-eval does, and its tasks are then no columns of their own.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple

from django.core.cache import cache
from django.db.models import Count, Max, QuerySet

from arena.models import RunStatus
from benchmarks.models import BenchmarkRun, BenchmarkTask
from benchmarks.protocol_words import protocol_words
from benchmarks.services.group_scores import whole_groups
from benchmarks.services.scoring import estimate_from
from benchmarks.statistics.estimates import Estimate, weighted_mean

KEPT_FOR_S: Final = 3600
LOOKED_AGAIN_AFTER_S: Final = 30
"""How long a reader may wait for a score that has just come."""


class Score(NamedTuple):
    """A model's newest score of a column; ``task`` is None for a group of tasks."""

    value: float
    lower: float | None
    upper: float | None
    samples: int
    run: int
    task: int | None


@dataclass(frozen=True)
class BenchmarkColumn:
    """``key`` is the fingerprint that all its scores share; ``models`` are the ids of the scored.

    ``number`` tells several ways of measuring one task apart, from 1. The scores stay packed
    until they are read: a page looks at all columns and shows a few.
    """

    key: str
    name: str
    metric: str
    protocol: str
    number: int
    models: frozenset[int]
    packed: str

    @classmethod
    def of(
        cls, key: str, way: tuple[str, str, str], scores: Mapping[int, Score], number: int = 1
    ) -> BenchmarkColumn:
        """``way``: name, metric and protocol; ``scores`` are by model id."""
        plain = list(scores.items())
        return cls(key, *way, number, frozenset(scores), json.dumps(plain))

    @cached_property
    def scores(self) -> dict[int, Score]:
        """By model id."""
        return {model: Score(*figures) for model, figures in json.loads(self.packed)}

    @property
    def title(self) -> str:
        return f"{self.name} ({self.number})" if self.number > 1 else self.name

    @property
    def way(self) -> str:
        """How it was measured, as far as a column's head has room."""
        words = protocol_words(self.protocol)
        return f"{self.metric} · {words}" if words else self.metric


def benchmark_columns() -> list[BenchmarkColumn]:
    """Every column there is, by name; built again when a score has come, changed or gone."""
    key = cache.get("benchmark-columns")
    if key is None:
        key = _state()
        cache.set("benchmark-columns", key, LOOKED_AGAIN_AFTER_S)
    if not key:
        return []
    columns: list[BenchmarkColumn] | None = cache.get(key)
    if columns is None:
        columns = _columns()
        cache.set(key, columns, KEPT_FOR_S)
    return columns


def _state() -> str:
    """A name for the scores as they are, empty where there is none."""
    runs = BenchmarkRun.objects.filter(status=RunStatus.COMPLETED).count()
    if not runs:
        return ""
    tasks = BenchmarkTask.objects.aggregate(n=Count("id"), at=Max("scored_at"))
    return f"benchmark-columns:{runs}:{tasks['n']}:{tasks['at'].timestamp() if tasks['at'] else 0}"


def _scored() -> QuerySet[BenchmarkTask]:
    """Tasks of whole runs: what a running or stopped run has so far is no score yet."""
    return BenchmarkTask.objects.filter(
        run__status=RunStatus.COMPLETED, scored_at__isnull=False, audit__scored__gt=0
    )


@dataclass(frozen=True, slots=True)
class _Measured:
    key: str
    name: str
    metric: str
    protocol: str
    score: Score


def _columns() -> list[BenchmarkColumn]:
    by_run: dict[int, list[BenchmarkTask]] = defaultdict(list)
    for task in _scored().defer("fingerprint", "category_scores", "options").order_by("id"):
        by_run[task.run_id].append(task)
    runs = BenchmarkRun.objects.in_bulk(list(by_run))
    ways: dict[str, dict[str, _Measured]] = defaultdict(dict)
    scores: dict[str, dict[int, Score]] = defaultdict(dict)
    for run_id in sorted(by_run):  # a later run of the same model replaces the earlier one's score
        run = runs[run_id]
        for found in _measured(run, by_run[run_id]):
            ways[found.name].setdefault(found.key, found)
            scores[found.key][run.language_model_id] = found.score
    return [
        BenchmarkColumn.of(key, (name, first.metric, first.protocol), scores[key], number)
        for name, known in sorted(ways.items())
        for number, (key, first) in enumerate(known.items(), 1)
    ]


def _measured(run: BenchmarkRun, tasks: Sequence[BenchmarkTask]) -> Iterator[_Measured]:
    """The run's groups of one metric, then its tasks that are in none of them."""
    in_groups: set[str] = set()
    known = {task.name: task for task in tasks}
    for group, leaves in whole_groups(run.groups, known).items():
        in_groups.update(leaves)
        parts = [known[name] for name in leaves]
        key = hashlib.sha256("\n".join(sorted(t.fingerprint_hash for t in parts)).encode())
        score = _score(weighted_mean([estimate_from(part.score) for part in parts]), run.pk, None)
        if score is not None:
            metric, protocol = _metric(parts[0]), parts[0].protocol
            yield _Measured(f"group-{key.hexdigest()[:16]}", group, metric, protocol, score)
    for task in tasks:
        score = _score(estimate_from(task.score), run.pk, task.pk)
        if task.name not in in_groups and score is not None:
            yield _Measured(task.fingerprint_hash, task.name, _metric(task), task.protocol, score)


def _metric(task: BenchmarkTask) -> str:
    return task.primary_metric.partition(",")[0]


def _score(estimate: Estimate, run: int, task: int | None) -> Score | None:
    value, lower, upper = (
        None if math.isnan(number) else number
        for number in (estimate.value, estimate.lower, estimate.upper)
    )
    return None if value is None else Score(value, lower, upper, estimate.n, run, task)
