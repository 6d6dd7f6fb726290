"""What the report page of a run shows, computed from its stamps."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any  # charts are plotly's JSON

from django.http import Http404

from speed.charts import Chart, latency_chart, load_chart, ttft_chart
from speed.definitions import DEFINITIONS, Reading
from speed.metrics.percentiles import Estimate
from speed.metrics.reading_speed import ReaderView, reader_view
from speed.metrics.slo import PRESETS, Goodput, Slo, goodput
from speed.metrics.summary import HEADLINE_DEFINITION, PhaseReport, report_phase
from speed.metrics.timeline import Timeline
from speed.models import SpeedPhase, SpeedRun
from speed.services.finishing import load_stamps
from speed.vocabulary import (
    CATEGORY_LABELS,
    CHECK_LABELS,
    CHECK_MEANINGS,
    DEFINITION_LABELS,
    FINDING_LABELS,
    GRADE_BADGES,
    GRADE_LABELS,
    METRIC_LABELS,
    PACE_LABELS,
)

SECONDS_SHOWN_IN_MS = 1000.0
PERCENTS = (50.0, 90.0, 95.0, 99.0)


@dataclass(frozen=True, slots=True)
class PhasePage:
    """One level in full."""

    row: SpeedPhase
    report: PhaseReport
    timeline: Timeline
    charts: list[Chart]


def phase_page(run: SpeedRun, number: int) -> PhasePage:
    """A level of a run with its charts; raises Http404."""
    row = run.phases.select_related("stamps").filter(number=number).first()
    if row is None:
        raise Http404
    stamps = load_stamps(row.stamps)
    timeline = Timeline(stamps, row.phase)
    charts: list[Chart] = []
    if timeline.is_success.any():
        key = str(row.number)
        charts = [draw(key, timeline) for draw in (ttft_chart, latency_chart, load_chart)]
    return PhasePage(row, report_phase(stamps, row.phase), timeline, charts)


def phase_context(page: PhasePage, definition: str) -> dict[str, Any]:
    """Template context of a level; an unknown definition counts as our own."""
    chosen = definition if definition in DEFINITIONS else HEADLINE_DEFINITION
    report = page.report
    return {
        "phase": page.row,
        "report": report,
        "charts": page.charts,
        "headline": headline_rows(report),
        "definition": DEFINITION_LABELS.get(chosen, chosen),
        "definition_tabs": definition_tabs(chosen),
        "metrics": metric_rows(report.readings[chosen]),
        "percentiles": percentile_rows(report.readings[chosen]),
        "outcomes": outcome_rows(report),
        "checks": check_rows(report),
        "grade_badge": GRADE_BADGES[page.row.grade],
        "grade_label": GRADE_LABELS[page.row.grade],
        "findings": [
            (FINDING_LABELS.get(f.name.value, f.name.value), figure(f.value))
            for f in report.findings
        ],
        "readers": reader_rows(report),
    }


def definition_tabs(chosen: str) -> list[dict[str, object]]:
    """The switch between tools' definitions, computed from the same stamps."""
    return [
        {
            "href": f"?definition={name}#definitions",
            "label": DEFINITION_LABELS.get(name, name),
            "is_current": name == chosen,
        }
        for name in DEFINITIONS
    ]


def headline_rows(report: PhaseReport) -> list[list[object]]:
    """Our own samples with percentiles and the median's interval, in milliseconds."""
    rows: list[list[object]] = []
    for name, estimates in report.headline.items():
        if not estimates[50.0].samples:
            continue
        factor = 1.0 if name.startswith("output_tokens") else SECONDS_SHOWN_IN_MS
        cells = [_estimate(estimates[percent], factor) for percent in PERCENTS]
        rows.append([METRIC_LABELS.get(name, name), *cells, estimates[50.0].samples])
    return rows


def _estimate(estimate: Estimate, factor: float) -> str:
    bounds = [
        "?" if bound is None else f"{bound * factor:.1f}"
        for bound in (estimate.lower, estimate.upper)
    ]
    return f"{estimate.value * factor:.1f} [{bounds[0]}, {bounds[1]}]"


def metric_rows(reading: Reading) -> list[tuple[str, str, str, str]]:
    """Name, value, unit, formula, under the tool's own names."""
    return [
        (metric.name, figure(metric.value), metric.unit, metric.formula)
        for metric in reading.metrics
    ]


def percentile_rows(reading: Reading) -> list[tuple[str, list[tuple[str, str]]]]:
    """Per sample the tool's own percentiles, by its own rule."""
    return [
        (name, [(f"p{percent:g}", figure(value)) for percent, value in table.items()])
        for name, table in reading.percentiles.items()
    ]


def outcome_rows(report: PhaseReport) -> list[tuple[object, int, str]]:
    """Every category that occurred, with its share of the attempts."""
    outcomes = report.outcomes
    return [
        (CATEGORY_LABELS.get(name, name), count, f"{100 * count / outcomes.attempts:.1f} %")
        for name, count in outcomes.by_category.items()
    ]


def check_rows(report: PhaseReport) -> list[dict[str, object]]:
    """Every check of the grade, the bad ones first."""
    rows = [
        {
            "label": CHECK_LABELS.get(check.name, check.name),
            "meaning": CHECK_MEANINGS.get(check.name, ""),
            "value": figure(check.value),
            "amber": figure(check.amber),
            "red": figure(check.red),
            "grade": check.grade.value,
            "badge": GRADE_BADGES[check.grade.value],
            "grade_label": GRADE_LABELS[check.grade.value],
        }
        for check in report.verdict.checks
    ]
    order = ["red", "amber", "green"]
    return sorted(rows, key=lambda row: order.index(str(row["grade"])))


def reader_rows(report: PhaseReport) -> list[tuple[str, ReaderView, object]]:
    """What a Chinese and an English reader meet: language, view, pace in words."""
    ttft, tpot = report.headline["ttft_s"][50.0], report.headline["tpot_s"][50.0]
    if not (ttft.samples and tpot.samples):
        return []
    views = [(name, reader_view(ttft.value, tpot.value, name)) for name in ("zh", "en")]
    return [(name, view, PACE_LABELS[view.pace.value]) for name, view in views]


def figure(value: float) -> str:
    """Four significant digits; a dash where there is nothing to say."""
    return f"{value:.4g}" if math.isfinite(value) else "–"


def calculate_goodput(page: PhasePage, data: dict[str, Any]) -> tuple[Slo, Goodput] | None:
    """The calculator's answer for limits in milliseconds; None when nothing is demanded."""
    if data.get("preset"):
        slo = PRESETS[data["preset"]]
    else:
        ttft_s, tpot_s, latency_s = (
            None if data.get(name) is None else data[name] / SECONDS_SHOWN_IN_MS
            for name in ("ttft_ms", "tpot_ms", "latency_ms")
        )
        slo = Slo(ttft_s, tpot_s, latency_s, percent=data.get("percent") or 99.0)
    return None if slo.is_empty else (slo, goodput(page.timeline, slo))
