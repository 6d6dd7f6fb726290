"""A run for other programs: JSON with everything, CSV with a line per request."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import asdict
from typing import Any  # JSON

import numpy as np

from speed.metrics.summary import PhaseReport, report_phase
from speed.metrics.timeline import Timeline
from speed.models import SpeedPhase, SpeedRun
from speed.services.finishing import load_stamps
from speed.stamps import FINISH_REASONS, Category

CSV_COLUMNS = (
    *("phase", "request", "category", "status", "finish", "scheduled_s", "sent_s", "ttft_s"),
    *("latency_s", "queue_wait_s", "prompt_tokens", "cached_tokens", "output_tokens"),
    *("reasoning_tokens", "events"),
)


def phase_reports(run: SpeedRun) -> list[tuple[SpeedPhase, PhaseReport]]:
    """Every stored level with its report, computed anew from the stamps."""
    opened = {stored.pk: load_stamps(stored) for stored in run.stamps.all()}
    return [(row, report_phase(opened[row.stamps_id], row.phase)) for row in run.phases.all()]


def run_as_json(run: SpeedRun) -> dict[str, Any]:
    """Asked for, circumstances, and every figure of every definition; NaN becomes null."""
    report: dict[str, Any] = clean(
        {
            "run": run.pk,
            "mode": run.mode,
            "label": run.label,
            "status": run.status,
            "status_detail": run.status_detail,
            "grade": run.grade,
            "spec": run.spec,
            "workload_key": run.workload_key,
            "target_key": run.target_key,
            "environment": run.environment,
            "summary": run.summary,
            "software_version": run.software_version,
            "started_at": run.started_at.isoformat() if run.started_at else None,
            "finished_at": run.finished_at.isoformat() if run.finished_at else None,
            "phases": [_phase_as_json(row, told) for row, told in phase_reports(run)],
        }
    )
    return report


def _phase_as_json(row: SpeedPhase, report: PhaseReport) -> dict[str, Any]:
    return {
        "name": row.name,
        "side": row.side,
        "load": row.load,
        "level": row.level,
        "outcomes": asdict(report.outcomes),
        "tokens": asdict(report.tokens),
        "headline": {
            name: {f"p{percent:g}": asdict(estimate) for percent, estimate in by_percent.items()}
            for name, by_percent in report.headline.items()
        },
        "definitions": {
            name: {
                "metrics": {metric.name: metric.value for metric in reading.metrics},
                "percentiles": {
                    sample: {f"p{percent:g}": value for percent, value in table.items()}
                    for sample, table in reading.percentiles.items()
                },
            }
            for name, reading in report.readings.items()
        },
        "findings": {finding.name.value: finding.value for finding in report.findings},
        "grade": report.verdict.grade.value,
        "checks": {
            check.name: {"value": check.value, "grade": check.grade.value}
            for check in report.verdict.checks
        },
        "is_overloaded": report.saturation.is_overloaded,
        "finish_reasons": report.finish_reasons,
        "peak_in_flight": report.peak_in_flight,
    }


def clean(value: Any) -> Any:
    """``value`` as JSON knows it: no NaN, no infinity, no numpy."""
    if isinstance(value, dict):
        return {str(key): clean(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [clean(item) for item in value]
    if isinstance(value, np.generic):
        return clean(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def run_as_csv(run: SpeedRun) -> str:
    """One line per measured request; times in seconds from the start of the run."""
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(CSV_COLUMNS)
    for row in run.phases.select_related("stamps"):
        timeline = Timeline(load_stamps(row.stamps), row.phase)
        text = timeline.chunk_times("text")
        for position, request in enumerate(timeline.rows):
            ttft = text.first[position] - timeline.sent[position]
            times = (
                timeline.scheduled[position],
                timeline.sent[position],
                ttft,
                timeline.latency[position],
                timeline.queue_wait[position],
            )
            counts = ("prompt_tokens", "cached_tokens", "output_tokens", "reasoning_tokens")
            writer.writerow(
                [
                    row.name,
                    int(request["index"]),
                    Category(int(request["category"])).name.lower(),
                    int(request["status"]),
                    FINISH_REASONS[int(request["finish"])],
                    *(f"{value:.6f}" if math.isfinite(value) else "" for value in times),
                    *(int(request[name]) if request[name] >= 0 else "" for name in counts),
                    int(text.count[position]),
                ]
            )
    return file.getvalue()
