"""From sample rows to a task's scores and its audit."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from arena.models import WorkStatus
from benchmarks.metrics.letters import DEFAULT_EXTRACTOR, EXTRACTORS
from benchmarks.models import BenchmarkRun, BenchmarkTask, Sample
from benchmarks.questions.asking import choice_score
from benchmarks.services.drops import refresh_drops
from benchmarks.statistics.estimates import (
    Estimate,
    is_precise,
    mean_estimate,
)
from benchmarks.suites_base import AskProtocol, Json, OpenTask, TaskError, digest, response

PRECISE_AFTER = 100  # samples; fewer make an interval that is not to be trusted


def refresh_scores(task: BenchmarkTask, opened: OpenTask | None = None) -> BenchmarkTask:
    """Recompute a task's scores from its finished samples.

    ``opened`` is needed for metrics that are no means; without it their last values stay.
    """
    rows = list(
        task.samples.scored()
        .order_by("index")
        .values_list("metrics", "cluster", "category", "reason_words")
    )
    scores: dict[str, Json] = {}
    categories: dict[str, dict[str, Json]] = {}
    for metric, values, clusters, labels in _by_metric(rows):
        estimate = _estimate(metric, values, clusters, opened)
        if estimate is not None:
            scores[metric] = estimate
            if metric == task.primary_metric and len(set(labels)) > 1:
                categories = _by_category(values, clusters, labels)
        elif opened is None and metric in task.scores:
            scores[metric] = task.scores[metric]
    task.scores, task.category_scores = scores, categories
    task.audit = _audit(task, [row[3] for row in rows])
    task.scored_at = timezone.now()
    task.save(update_fields=["scores", "category_scores", "audit", "scored_at"])
    return task


Metric = tuple[str, list[Any], list[str], list[str]]


def _by_metric(rows: Sequence[tuple[Mapping[str, Any], str, str, str]]) -> Iterable[Metric]:
    found: dict[str, tuple[list[Any], list[str], list[str]]] = defaultdict(lambda: ([], [], []))
    for index, (metrics, cluster, category, _) in enumerate(rows):
        for metric, value in metrics.items():
            values, clusters, labels = found[metric]
            values.append(value)
            # a sample without a passage is a cluster of its own
            clusters.append(cluster or f"#{index}")
            labels.append(category)
    return [(metric, *lists) for metric, lists in found.items()]


def _estimate(
    metric: str, values: list[Any], clusters: list[str], opened: OpenTask | None
) -> dict[str, Json] | None:
    try:
        special = opened.aggregate(metric, values) if opened is not None else None
    except OverflowError:
        # the perplexity of a model that knows nothing, over words that are whole lines
        special = math.inf, None
    if special is not None:
        value, error = map(_finite, special)
        return {"value": value, "stderr": error, "lower": _around(value, error, -1),
                "upper": _around(value, error, 1), "n": len(values),
                "clusters": len(values)}  # fmt: skip
    if not all(isinstance(value, int | float) for value in values):
        return None
    return mean_estimate([float(value) for value in values], clusters).as_dict()


def _finite(value: float | None) -> float | None:
    """No database stores what is no number, or more than any."""
    return value if value is not None and math.isfinite(value) else None


def _around(value: float | None, error: float | None, sign: int) -> float | None:
    return None if value is None or error is None else value + sign * 1.959963984540054 * error


def _by_category(
    values: list[Any], clusters: list[str], labels: list[str]
) -> dict[str, dict[str, Json]]:
    groups: dict[str, tuple[list[float], list[str]]] = defaultdict(lambda: ([], []))
    for value, cluster, label in zip(values, clusters, labels, strict=True):
        groups[label or "–"][0].append(float(value))
        groups[label or "–"][1].append(cluster)
    return {label: mean_estimate(*pair).as_dict() for label, pair in sorted(groups.items())}


def _audit(task: BenchmarkTask, reason_words: Sequence[str]) -> dict[str, Json]:
    """How many samples have each reason for a second look, and how many have no score."""
    counts = Counter(word for words in reason_words for word in words.split())
    failed = task.samples.filter(status=WorkStatus.FAILED).count()
    return {"scored": len(reason_words), "failed": failed, **counts}


def estimate_from(values: Mapping[str, Json]) -> Estimate:
    """A stored estimate; what was not known is NaN."""

    def number(name: str) -> float:
        found = values.get(name)
        return math.nan if found is None else float(found)

    return Estimate(
        number("value"), number("stderr"), number("lower"), number("upper"),
        int(values.get("n") or 0), int(values.get("clusters") or 0),
    )  # fmt: skip


def stop_where_precise(run: BenchmarkRun) -> int:
    """Let go of waiting samples of tasks that are precise enough; returns how many."""
    dropped = 0
    for task in run.tasks.filter(stopped_early=False):
        rows = task.samples.scored().filter(value__isnull=False)
        values = list(rows.values_list("value", "cluster", "id"))
        if len(values) < PRECISE_AFTER or run.precision_goal is None:
            continue
        clusters = [cluster or f"#{number}" for _, cluster, number in values]
        estimate = mean_estimate([float(value or 0) for value, _, _ in values], clusters)
        if is_precise(estimate, run.precision_goal, least=PRECISE_AFTER):
            with transaction.atomic():
                count, _ = task.samples.filter(status=WorkStatus.PENDING).delete()
                BenchmarkTask.objects.filter(pk=task.pk).update(stopped_early=count > 0)
            dropped += count
    return dropped


def readings_of(task: BenchmarkTask) -> list[str]:
    """The ways in which a task's stored answers can be read.

    Letters are read by an extractor. A generation task of lm-eval is read by each of its filters
    (GSM8K: ``strict-match`` and ``flexible-extract``), one of which makes the score.
    """
    if task.protocol == AskProtocol.GENERATION:
        return sorted(EXTRACTORS)
    metric = task.primary_metric.partition(",")[0]
    filters = [name.partition(",")[2] for name in task.scores if name.partition(",")[0] == metric]
    return sorted(filters) if len(filters) > 1 else []


def reading_of(task: BenchmarkTask) -> str:
    """Which of ``readings_of`` made the score."""
    if task.protocol == AskProtocol.GENERATION:
        return task.extractor or DEFAULT_EXTRACTOR
    return task.primary_metric.partition(",")[2]


@transaction.atomic
def rescore(*, task: BenchmarkTask, extractor: str) -> BenchmarkTask:
    """Read the stored answers again in another way; the model is not asked."""
    if task.protocol == AskProtocol.NATIVE and extractor in readings_of(task):
        return _read_by_filter(task, extractor)
    if task.protocol != AskProtocol.GENERATION:
        raise TaskError(
            f"task {task.name!r} was not asked for a letter in writing, so no extractor reads it"
        )
    if extractor not in EXTRACTORS:
        known = ", ".join(sorted(EXTRACTORS))
        raise TaskError(f"there is no extractor named {extractor!r}; choose one of {known}")
    rows = list(task.samples.scored())
    for row in rows:
        stored = {"target": row.target, "choices": row.choices}
        score = choice_score(stored, response(row.responses[0]), extractor)
        row.metrics, row.extracted = dict(score.metrics), score.extracted
        row.value = float(score.metrics[task.primary_metric])
        row.reason_words = f" {' '.join(score.reasons)} " if score.reasons else ""
    Sample.objects.bulk_update(
        rows, ["metrics", "extracted", "value", "reason_words"], batch_size=500
    )
    task.extractor = extractor
    task.fingerprint = {**task.fingerprint, "extractor": EXTRACTORS[extractor].identity}
    task.fingerprint_hash = digest(task.fingerprint)
    task.save(update_fields=["extractor", "fingerprint", "fingerprint_hash"])
    return _refreshed(task)


def _read_by_filter(task: BenchmarkTask, name: str) -> BenchmarkTask:
    """Let another of the task's filters make the score: its values are stored already."""
    metric = f"{task.primary_metric.partition(',')[0]},{name}"
    rows = list(task.samples.scored())
    for row in rows:
        value = row.metrics.get(metric)
        row.value = float(value) if isinstance(value, int | float) else None
    Sample.objects.bulk_update(rows, ["value"], batch_size=500)
    task.primary_metric, task.extractor = metric, name
    task.fingerprint = {**task.fingerprint, "metric": metric}
    task.fingerprint_hash = digest(task.fingerprint)
    task.save(update_fields=["primary_metric", "extractor", "fingerprint", "fingerprint_hash"])
    return _refreshed(task)


def _refreshed(task: BenchmarkTask) -> BenchmarkTask:
    """The task with its scores anew, and the drops that hang on them."""
    refresh_scores(task)
    refresh_drops(task.run)
    return task
