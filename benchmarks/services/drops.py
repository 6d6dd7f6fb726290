"""What probes take away from scores."""

from __future__ import annotations

import math
from collections.abc import Iterable

from django.db.models import Q

from benchmarks.models import BenchmarkRun, BenchmarkTask
from benchmarks.statistics.estimates import Z_95, mean_estimate
from benchmarks.suites_base import PROBE_SEPARATOR, Json

# a variant of a task differs from it in these parts of its fingerprint, and must in no other
OF_THE_QUESTIONS = frozenset({"task", "suite", "prompt", "definition"})


def refresh_drops(run: BenchmarkRun) -> None:
    """Recompute the drops of the run's tasks, and of earlier probes of the tasks it holds."""
    names = {task.name for task in run.tasks.all()}
    probes = Q(name__contains=PROBE_SEPARATOR)
    concerned = probes | Q(run=run) if run.options.get("corpus") else probes
    tasks = BenchmarkTask.objects.filter(
        concerned, run__language_model_id=run.language_model_id, scored_at__isnull=False
    )
    for task in tasks.select_related("run"):
        probe, separator, base = task.name.partition(PROBE_SEPARATOR)
        if not separator:
            found = overlap_drop(task)
        elif task.run_id != run.pk and base not in names:
            continue
        elif probe == "min_k":
            found = {"probe": probe, **task.scores["gap,none"]} if "gap,none" in task.scores else {}
        else:
            found = variant_drop(task, probe, base)
        if found != task.drop:
            BenchmarkTask.objects.filter(pk=task.pk).update(drop=found)


def variant_drop(task: BenchmarkTask, probe: str, base: str) -> dict[str, Json]:
    """Original minus variant over the questions that the probe changed, sample by sample."""
    original = _original(task, base)
    if original is None:
        return {}
    theirs = {
        index: (value, prompt)
        for index, value, prompt in original.samples.scored()
        .filter(value__isnull=False)
        .values_list("index", "value", "prompt_hash")
    }
    rows = task.samples.scored().filter(value__isnull=False).order_by("index")
    differences, clusters, unchanged = [], [], 0
    for index, value, prompt, cluster in rows.values_list(
        "index", "value", "prompt_hash", "cluster"
    ):
        if index not in theirs:
            continue
        if theirs[index][1] == prompt:
            unchanged += 1
            continue
        differences.append(float(theirs[index][0] or 0) - float(value or 0))
        clusters.append(cluster or f"#{index}")
    if not differences:
        return {}
    found = mean_estimate(differences, clusters).as_dict()
    return {"probe": probe, "original": original.pk, "unchanged": unchanged, **_around(found)}


def _around(found: dict[str, Json]) -> dict[str, Json]:
    """A difference may be negative, so its interval is not cut at 0."""
    if found["stderr"] is None:
        return found | {"lower": None, "upper": None}
    reach = Z_95 * found["stderr"]
    return found | {"lower": found["value"] - reach, "upper": found["value"] + reach}


def _original(task: BenchmarkTask, base: str) -> BenchmarkTask | None:
    """The same task unprobed: of this run, else the model's newest measured in the same way."""
    way = _way(task)
    candidates = BenchmarkTask.objects.filter(
        name=base, run__language_model_id=task.run.language_model_id, scored_at__isnull=False
    ).order_by("-id")
    same = [
        other
        for other in candidates
        if _way(other) == way and other.run.model_args == task.run.model_args
    ]
    return next((other for other in same if other.run_id == task.run_id), next(iter(same), None))


def _way(task: BenchmarkTask) -> dict[str, Json]:
    """How a task was asked, whatever its questions are."""
    definition = task.fingerprint.get("definition") or {}
    kept = {k: v for k, v in task.fingerprint.items() if k not in OF_THE_QUESTIONS}
    return kept | {"definition": {k: v for k, v in definition.items() if k != "probe"}}


def overlap_drop(task: BenchmarkTask) -> dict[str, Json]:
    """All samples minus those that are not in the corpus.

    With a share w of seen samples the difference is w·(seen - unseen), two independent means.
    """
    rows = task.samples.scored().filter(value__isnull=False, overlap__isnull=False)
    seen = _values(rows.filter(overlap__gt=0).values_list("value", "cluster", "id"))
    clean = _values(rows.filter(overlap=0).values_list("value", "cluster", "id"))
    if not seen[0] and not clean[0]:
        return {}
    found: dict[str, Json] = {"probe": "overlap", "seen": len(seen[0]), "clean": len(clean[0]),
                              "n": len(seen[0]) + len(clean[0])}  # fmt: skip
    if not seen[0] or not clean[0]:
        return found | {"value": 0.0 if clean[0] else None, "lower": None, "upper": None}
    first, second = mean_estimate(*seen), mean_estimate(*clean)
    share = first.n / (first.n + second.n)
    stderr = share * math.hypot(first.stderr, second.stderr)
    value = share * (first.value - second.value)
    known = None if math.isnan(stderr) else stderr
    estimate = {"value": value, "stderr": known, "lower": None, "upper": None}
    return (
        found | _around(estimate) | {"clean_score": second.as_dict(), "seen_score": first.as_dict()}
    )


def _values(rows: Iterable[tuple[float | None, str, int]]) -> tuple[list[float], list[str]]:
    pairs = [(float(value or 0), cluster or f"#{number}") for value, cluster, number in rows]
    return [value for value, _ in pairs], [cluster for _, cluster in pairs]
