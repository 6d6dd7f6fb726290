"""Has it become slower? The newest run against the one before it on equal work.

An alert needs both: a difference whose whole interval lies on the wrong side of zero, and a size
that somebody would notice. Otherwise every re-run of a large sample would raise one.
"""

from __future__ import annotations

from dataclasses import dataclass

from speed.metrics.comparison import Outcome, compare, lengths_differ
from speed.metrics.timeline import Timeline
from speed.models import SpeedRun
from speed.services.comparing import METRICS, open_timeline, samples_by_metric

MATERIAL_CHANGE = 0.05


@dataclass(frozen=True, slots=True)
class Regression:
    """One figure that got worse against run ``before``; ``relative`` 0.2 is a fifth more."""

    before: int
    phase: str
    metric: str
    value_before: float
    value_now: float
    relative: float
    relative_lower: float
    relative_upper: float


def run_before(run: SpeedRun) -> SpeedRun | None:
    """The last completed run of the same target and work that may be quoted."""
    return (
        SpeedRun.objects.filter(
            target_key=run.target_key,
            workload_key=run.workload_key,
            status="completed",
            pk__lt=run.pk,
        )
        .exclude(grade="red")
        .order_by("-pk")
        .first()
    )


def find_regressions(run: SpeedRun) -> list[Regression]:
    """Every figure of every level that is clearly and materially worse than the time before."""
    before = run_before(run)
    if before is None or run.mode not in ("load", "calibration", "in_process"):
        return []
    past = {row.name: row for row in before.phases.select_related("stamps")}
    found: list[Regression] = []
    for row in run.phases.select_related("stamps"):
        if row.name in past:
            old, new = open_timeline(past[row.name]), open_timeline(row)
            found += _worse(before.pk, row.name, old, new)
    return found


def _worse(before: int, phase: str, old: Timeline, new: Timeline) -> list[Regression]:
    if not (old.is_success.any() and new.is_success.any()):
        return []
    if lengths_differ(old.output_tokens[old.is_success], new.output_tokens[new.is_success]):
        return []
    samples_a, samples_b = samples_by_metric(old), samples_by_metric(new)
    found = []
    for metric in METRICS:
        told = compare(samples_a[metric.sample], samples_b[metric.sample], percent=metric.percent)
        if told.outcome is not Outcome.HIGHER or told.relative < MATERIAL_CHANGE:
            continue
        found.append(
            Regression(
                before=before,
                phase=phase,
                metric=metric.name,
                value_before=told.value_a,
                value_now=told.value_b,
                relative=told.relative,
                relative_lower=told.relative_lower or 0.0,
                relative_upper=told.relative_upper or 0.0,
            )
        )
    return found
