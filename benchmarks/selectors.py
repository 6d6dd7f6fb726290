"""What pages show: live scores and comparisons of runs."""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Avg, Count, Q, QuerySet, StdDev
from django.utils import timezone

from arena.models import RunStatus, WorkStatus
from arena.run_progress import RATE_WINDOW_S
from benchmarks.models import BenchmarkRun, BenchmarkTask, PublishedScore, Sample
from benchmarks.services.scoring import estimate_from
from benchmarks.statistics.estimates import Estimate, wilson_interval
from benchmarks.statistics.paired import Difference, McNemar, holm, mcnemar, paired_bootstrap
from benchmarks.statistics.targets import Comparison, compare_to_target

Z_95 = 1.959963984540054
ADJUSTED_ALPHA = 0.05


@dataclass(frozen=True, slots=True)
class TaskLine:
    """A task of a run as its page shows it; the score is live while samples arrive."""

    task: BenchmarkTask
    done: int
    failed: int
    total: int
    estimate: Estimate | None

    @property
    def looks(self) -> list[tuple[str, int]]:
        """How many samples deserve a second look, by reason."""
        counts = self.task.audit.items()
        return [(name, n) for name, n in counts if n and name not in ("scored", "failed")]

    @property
    def percent(self) -> dict[str, float | None] | None:
        """Score and interval in percent, for a bar on a 0-100 scale; None where not known."""
        if self.estimate is None or not 0 <= self.estimate.value <= 1:
            return None
        names = ("value", "lower", "upper")
        found = {name: 100 * getattr(self.estimate, name) for name in names}
        return {name: None if math.isnan(value) else value for name, value in found.items()}


def task_lines(run: BenchmarkRun) -> list[TaskLine]:
    """Every task with its running score, in three queries whatever the number of tasks."""
    counts: dict[int, dict[str, Any]] = {
        row["task"]: dict(row)
        for row in run.samples.order_by()
        .values("task")
        .annotate(
            total=Count("id"),
            done=Count("id", filter=Q(status=WorkStatus.DONE)),
            failed=Count("id", filter=Q(status=WorkStatus.FAILED)),
            mean=Avg("value", filter=Q(status=WorkStatus.DONE)),
            # SQLite's aggregate in Django fails on NULL: a perplexity's samples have no value
            spread=StdDev(
                "value", filter=Q(status=WorkStatus.DONE, value__isnull=False), sample=False
            ),
            scored=Count("value", filter=Q(status=WorkStatus.DONE)),
        )
    }
    return [_line(task, counts.get(task.pk, {})) for task in run.tasks.all()]


def _line(task: BenchmarkTask, row: dict[str, Any]) -> TaskLine:
    done = int(row.get("done") or 0)
    is_final = bool(task.score) and int(task.score.get("n") or 0) == done
    estimate = estimate_from(task.score) if is_final else _running_estimate(row)
    return TaskLine(task, done, int(row.get("failed") or 0), int(row.get("total") or 0), estimate)


def _running_estimate(row: dict[str, Any]) -> Estimate | None:
    """From the database's mean and spread; clusters count only in the final score."""
    n, mean = int(row.get("scored") or 0), row.get("mean")
    if not n or mean is None:
        return None
    spread = float(row.get("spread") or 0.0)
    stderr = spread / math.sqrt(n - 1) if n > 1 else math.nan
    if 0 <= mean <= 1 and abs(spread**2 - mean * (1 - mean)) < 1e-6:
        return Estimate(mean, stderr, *wilson_interval(mean * n, n), n, n)
    return Estimate(mean, stderr, mean - Z_95 * stderr, mean + Z_95 * stderr, n, n)


FILTERS = ("wrong", "right", "invalid", "truncated", "empty", "tied", "prompt_cut", "failed")


def samples_of(
    task: BenchmarkTask,
    *,
    show: str = "",
    category: str = "",
    text: str = "",
    differs_from: int | None = None,
) -> QuerySet[Sample]:
    """The samples a reader asked for; ``differs_from`` is another run that judged otherwise.

    ``text`` is looked for in prompts, choices and answers as they are stored.
    """
    rows = task.samples.order_by("index")
    if show == "wrong":
        rows = rows.wrong()
    elif show == "right":
        rows = rows.right()
    elif show == "failed":
        rows = rows.filter(status=WorkStatus.FAILED)
    elif show in FILTERS:
        rows = rows.with_reason(show)
    if category:
        rows = rows.filter(category=category)
    if text:
        rows = rows.filter(_holding(text))
    if differs_from is not None:
        rows = rows.filter(pk__in=_differing(task, differs_from))
    return rows


def _holding(text: str) -> Q:
    # JSON columns keep text with its quotes and line breaks escaped, and on SQLite all but ASCII
    plain = json.dumps(text)[1:-1]
    found = Q(extracted__icontains=text)
    for column in ("requests", "responses"):
        for spelling in {text, plain}:
            found |= Q(**{f"{column}__icontains": spelling})
    return found


def _differing(task: BenchmarkTask, other_run: int) -> list[int]:
    other = dict(
        Sample.objects.scored()
        .filter(run_id=other_run, task__name=task.name)
        .values_list("index", "value")
    )
    mine = task.samples.scored().values_list("id", "index", "value")
    return [pk for pk, index, value in mine if index in other and other[index] != value]


@dataclass(frozen=True, slots=True)
class TaskComparison:
    """Two runs on one task, sample by sample; ``p_adjusted`` is Holm's over all tasks."""

    task_a: BenchmarkTask
    task_b: BenchmarkTask
    mean_a: float
    mean_b: float
    difference: Difference
    mcnemar: McNemar | None
    p_adjusted: float

    @property
    def is_significant(self) -> bool:
        return self.p_adjusted < ADJUSTED_ALPHA

    @property
    def is_share(self) -> bool:
        """Whether both means are shares, whose difference is told in percentage points."""
        return 0 <= self.mean_a <= 1 and 0 <= self.mean_b <= 1

    @property
    def bounds(self) -> tuple[float, float, float]:
        """The difference with its interval, for a drawing."""
        return self.difference.lower, self.difference.value, self.difference.upper


@dataclass(frozen=True, slots=True)
class RunComparison:
    """``refused`` names tasks that were measured in different ways, with what differs."""

    lines: list[TaskComparison]
    refused: list[tuple[str, list[str]]]


def compare_runs(first: BenchmarkRun, second: BenchmarkRun) -> RunComparison:
    """Paired comparison on every task that both ran in the same way."""
    others = {task.name: task for task in second.tasks.all()}
    pairs, refused = [], []
    for task in first.tasks.all():
        other = others.get(task.name)
        if other is None:
            continue
        if task.fingerprint_hash != other.fingerprint_hash:
            refused.append((task.name, _differences(task.fingerprint, other.fingerprint)))
            continue
        pairs.append((task, other, _paired_values(task, other)))
    return RunComparison(_lines([pair for pair in pairs if pair[2]]), refused)


def _differences(first: dict[str, Any], second: dict[str, Any]) -> list[str]:
    return sorted(
        name for name in first.keys() | second.keys() if first.get(name) != second.get(name)
    )


Values = list[tuple[float, float, str]]


def _paired_values(task: BenchmarkTask, other: BenchmarkTask) -> Values:
    theirs = {
        (index, prompt): value
        for index, prompt, value in other.samples.scored()
        .filter(value__isnull=False)
        .values_list("index", "prompt_hash", "value")
    }
    mine = (
        task.samples.scored()
        .filter(value__isnull=False)
        .order_by("index")
        .values_list("index", "prompt_hash", "value", "cluster")
    )
    return [
        (float(value or 0), float(theirs[index, prompt] or 0), cluster or f"#{index}")
        for index, prompt, value, cluster in mine
        if (index, prompt) in theirs
    ]


def _lines(pairs: Sequence[tuple[BenchmarkTask, BenchmarkTask, Values]]) -> list[TaskComparison]:
    differences, tests = [], []
    for _, _, values in pairs:
        first, second, clusters = zip(*values, strict=True)
        differences.append(paired_bootstrap(first, second, clusters=clusters, seed=0))
        is_binary = set(first) | set(second) <= {0.0, 1.0}
        has_clusters = len(set(clusters)) < len(clusters)
        # McNemar's test takes samples as independent
        tests.append(mcnemar(first, second) if is_binary and not has_clusters else None)
    p_values = [t.p_value if t else d.p_value for t, d in zip(tests, differences, strict=True)]
    adjusted = holm(p_values)
    return [
        TaskComparison(
            task,
            other,
            sum(v[0] for v in values) / len(values),
            sum(v[1] for v in values) / len(values),
            difference,
            test,
            p,
        )
        for (task, other, values), difference, test, p in zip(
            pairs, differences, tests, adjusted, strict=True
        )
    ]


@dataclass(frozen=True, slots=True)
class TargetLine:
    published: PublishedScore
    task: BenchmarkTask
    estimate: Estimate
    comparison: Comparison


def target_lines(run: BenchmarkRun) -> list[TargetLine]:
    """The run's scores beside published ones of the same model."""
    tasks = {task.name: task for task in run.tasks.all() if task.score}
    found = []
    for published in run.language_model.published_scores.all():
        task = tasks.get(published.task)
        if task is None:
            continue
        metric = published.metric or task.primary_metric
        values = task.scores.get(metric) or task.scores.get(f"{metric},none")
        if values:
            estimate = estimate_from(values)
            same = _is_same_protocol(published, task)
            comparison = compare_to_target(estimate, published.value, same_protocol=same)
            found.append(TargetLine(published, task, estimate, comparison))
    return found


def _is_same_protocol(published: PublishedScore, task: BenchmarkTask) -> bool:
    """As far as the source says: what it leaves open cannot contradict."""
    shots = task.fingerprint.get("definition", {}).get("num_fewshot")
    if published.num_fewshot is not None and published.num_fewshot != shots:
        return False
    return not published.protocol or published.protocol == task.protocol


def newest_runs(limit: int = 50) -> list[BenchmarkRun]:
    runs = BenchmarkRun.objects.select_related("language_model").order_by("-id")
    return list(
        runs.annotate(
            total=Count("samples"),
            done=Count("samples", filter=Q(samples__status=WorkStatus.DONE)),
        )[:limit]
    )


@dataclass(frozen=True, slots=True)
class QueueLine:
    """A run that is not over yet; ``rate_per_s`` over the last half minute, ``left_s`` from it."""

    run: BenchmarkRun
    total: int
    done: int
    failed: int
    in_flight: int
    recent: int

    @property
    def rate_per_s(self) -> float:
        return self.recent / RATE_WINDOW_S if self.run.is_active else 0.0

    @property
    def left_s(self) -> float | None:
        left = self.total - self.done - self.failed
        return left / self.rate_per_s if self.rate_per_s else None

    @property
    def is_waiting(self) -> bool:
        return self.run.is_active and not self.in_flight and not self.recent


def queue_lines() -> list[QueueLine]:
    """Drafts and active runs by priority, with their progress, in two queries."""
    runs = list(
        BenchmarkRun.objects.filter(status__in=(RunStatus.ACTIVE, RunStatus.DRAFT))
        .exclude(status=RunStatus.DRAFT, intent="")
        .select_related("language_model")
        .by_priority()
    )
    since = timezone.now() - dt.timedelta(seconds=RATE_WINDOW_S)
    counts: dict[int, dict[str, Any]] = {
        row["run"]: dict(row)
        for row in Sample.objects.filter(run__in=runs)
        .order_by()
        .values("run")
        .annotate(
            total=Count("id"),
            done=Count("id", filter=Q(status=WorkStatus.DONE)),
            failed=Count("id", filter=Q(status=WorkStatus.FAILED)),
            in_flight=Count("id", filter=Q(status=WorkStatus.CLAIMED)),
            recent=Count("id", filter=Q(finished_at__gte=since)),
        )
    }
    names = ("total", "done", "failed", "in_flight", "recent")
    return [
        QueueLine(run, *(int(counts.get(run.pk, {}).get(name) or 0) for name in names))
        for run in runs
    ]


def same_question_elsewhere(sample: Sample, limit: int = 12) -> list[Sample]:
    """The newest sample of each other model that was asked the very same prompt."""
    rows = (
        Sample.objects.scored()
        .filter(
            prompt_hash=sample.prompt_hash, task__name=sample.task.name, index=sample.index,
            task__protocol=sample.task.protocol,
        )
        .exclude(run__language_model=sample.run.language_model_id)
        .select_related("run__language_model")
        .order_by("-id")
    )  # fmt: skip
    newest: dict[int, Sample] = {}
    for row in rows[: 4 * limit]:
        newest.setdefault(row.run.language_model_id, row)
    return list(newest.values())[:limit]


def comparable_runs(task: BenchmarkTask, limit: int = 40) -> list[BenchmarkRun]:
    """Other runs that measured the same task in the same way."""
    others = BenchmarkRun.objects.filter(
        tasks__name=task.name, tasks__fingerprint_hash=task.fingerprint_hash
    ).exclude(pk=task.run_id)
    return list(others.select_related("language_model").distinct().order_by("-id")[:limit])


def told_settings(run: BenchmarkRun) -> list[tuple[str, object]]:
    """What was chosen for a run, without what was left as it is."""
    given = [*run.model_args.items(), *run.options.items()]
    return [(name, value) for name, value in given if value not in ("", None, 0, False, {}, [])]
