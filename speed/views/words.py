"""Rows of tables in words."""

from __future__ import annotations

from typing import Any  # stored figures are JSON

from django.utils.translation import gettext as _

from speed.metrics.comparison import Comparison
from speed.models import SpeedRun
from speed.services.comparing import SideBySide
from speed.spec import spec_from_json
from speed.vocabulary import (
    COMPARED_LABELS,
    DEVICE_LABELS,
    HOLDS_LABELS,
    IN_PROCESS_LABELS,
    MEMORY_LABELS,
    METRIC_LABELS,
    OUTCOME_LABELS,
)


def compared_rows(sides: SideBySide) -> list[dict[str, object]]:
    """One row per metric: both values and the difference in ms, its interval, the outcome."""
    return [
        {
            "label": COMPARED_LABELS[line.metric.name],
            "a": 1000 * line.comparison.value_a,
            "b": 1000 * line.comparison.value_b,
            "difference": 1000 * line.comparison.difference,
            "interval": interval(line.comparison),
            "outcome": OUTCOME_LABELS[line.comparison.outcome.value],
            "is_known": line.comparison.lower is not None,
        }
        for line in sides.lines
    ]


def interval(comparison: Comparison) -> str:
    """The difference's interval in ms and relative, or nothing."""
    if comparison.lower is None or comparison.upper is None:
        return "–"
    text = f"{1000 * comparison.lower:+.2f} … {1000 * comparison.upper:+.2f} ms"
    if comparison.relative_lower is None or comparison.relative_upper is None:
        return text
    low, high = 100 * comparison.relative_lower, 100 * comparison.relative_upper
    return f"{text} ({low:+.1f} … {high:+.1f} %)"


def regression_rows(run: SpeedRun) -> list[dict[str, object]]:
    """The stored alerts of a run."""
    return [
        {
            **alert,
            "label": COMPARED_LABELS.get(alert["metric"], alert["metric"]),
            "percent": f"{100 * alert['relative']:+.1f} %",
            "range": f"{100 * alert['relative_lower']:+.1f} … "
            f"{100 * alert['relative_upper']:+.1f} %",
        }
        for alert in run.summary.get("regressions", [])
    ]


def in_process_table(run: SpeedRun) -> dict[str, Any] | None:
    """Figures as rows and batch sizes as columns, of a model measured inside a process."""
    items = run.summary.get("in_process")
    if not items:
        return None
    rows: list[tuple[object, list[str]]] = [
        (
            label,
            [_estimate(item[name], 1.0 if name.endswith("per_s") else 1000.0) for item in items],
        )
        for name, label in IN_PROCESS_LABELS.items()
    ]
    memory = [f"{item['peak_memory_bytes'] / 2**20:.0f} MiB" for item in items]
    kinds = [MEMORY_LABELS.get(item["peak_memory_kind"], "") for item in items]
    rows += [
        (_("Peak memory"), [f"{size} ({kind})" for size, kind in zip(memory, kinds, strict=True)]),
        (_("Repeats"), [str(item["repeats"]) for item in items]),
        (_("Tokens produced"), [str(item["output_tokens"]) for item in items]),
        (_("Rows that ended early"), [str(item["rows_ended_early"]) for item in items]),
    ]
    return {"sizes": [item["batch_size"] for item in items], "rows": rows}


def _estimate(stored: dict[str, float | None], factor: float) -> str:
    value, lower, upper = (stored[name] for name in ("value", "lower", "upper"))
    if value is None:
        return "–"
    bounds = ["?" if bound is None else f"{bound * factor:.2f}" for bound in (lower, upper)]
    return f"{value * factor:.2f} [{bounds[0]}, {bounds[1]}]"


def device_rows(run: SpeedRun) -> list[tuple[object, object]]:
    """What a model inside a process ran on, and with which versions."""
    machine = run.environment.get("machine", {})
    return [(label, machine[name]) for name, label in DEVICE_LABELS.items() if name in machine]


def asked_rows(run: SpeedRun) -> list[tuple[object, str]]:
    """What was asked for beyond the defaults, as a reader says it."""
    spec = spec_from_json(run.spec)
    load, work = spec.load, spec.workload
    levels = ", ".join(f"{level:g}" for level in load.levels)
    rows: list[tuple[object, str]] = [(_("Load"), f"{load.kind} {levels}")]
    if load.kind == "open":
        burst = f" {load.burstiness:g}" if load.distribution == "gamma" else ""
        rows.append((_("Arrivals"), load.distribution + burst))
    rows += [
        (label, f"{value:g}")
        for label, value in (
            (_("Requests per level"), load.requests),
            (_("Seconds per level"), load.duration_s),
            (_("Warm-up requests"), load.warmup_requests),
            (_("Ramp, seconds"), load.ramp_s),
            (_("Stop after so many errors"), load.max_errors),
        )
        if value
    ]
    options = ", ".join(f"{name} {value}" for name, value in work.options.items())
    sent = " · ".join(part for part in (work.name, work.question_set, options) if part)
    length = f"{'=' if work.ignore_eos else '≤'} {work.output_tokens}"
    rows += [
        (_("What is sent"), sent),
        (_("Output tokens"), length),
        (_("Streamed"), _("yes") if work.is_streamed else _("no")),
        (_("Fresh salt in every prompt"), _("yes") if work.is_salted else _("no")),
        (_("Seed"), str(spec.seed)),
    ]
    return rows


def calibration_rows(run: SpeedRun) -> list[dict[str, object]]:
    """Reported against true figures of a calibration."""
    return [
        {**item, "label": METRIC_LABELS.get(item["metric"], item["metric"])}
        for item in run.summary.get("calibration", [])
    ]


def search_table(run: SpeedRun) -> dict[str, Any] | None:
    """The answer of a search and every trial that led to it."""
    found = run.summary.get("search")
    if found is None:
        return None
    trials = [{**trial, "label": HOLDS_LABELS[trial["holds"]]} for trial in found["trials"]]
    return {**found, "trials": trials}
