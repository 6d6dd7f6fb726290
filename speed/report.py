"""What the report page of a run shows, computed from its stamps."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any  # charts are plotly's JSON

from django.http import Http404
from django.utils.translation import gettext as _

from speed.charts import Chart, latency_chart, load_chart, ttft_chart
from speed.definitions import DEFINITIONS, Reading
from speed.metrics.cost import Price, cost_of
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
        "tokens": token_rows(report),
        "load_rows": load_rows(report),
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


def token_rows(report: PhaseReport) -> list[tuple[object, str, str]]:
    """What the successes read and wrote: label, in all, per request."""
    tokens, succeeded = report.tokens, max(1, report.outcomes.succeeded)
    totals = [
        (_("Input tokens"), tokens.input_tokens),
        (_("… of them answered from the server's cache"), tokens.cached_tokens),
        (_("Output tokens"), tokens.output_tokens),
        (_("… of them reasoning"), tokens.reasoning_tokens),
    ]
    rows = [(label, whole(total), figure(total / succeeded)) for label, total in totals]
    return [*rows, (_("Tokens per package"), "–", figure(tokens.tokens_per_package))]


def load_rows(report: PhaseReport) -> list[tuple[object, str]]:
    """The load that was set and the one that came about."""
    reading = report.readings[HEADLINE_DEFINITION]
    rows = [
        (_("Requests under way, set"), figure(report.setting.concurrency)),
        (_("Requests under way, mean"), figure(reading.value("concurrency_reached"))),
        (_("Requests under way, most"), str(report.peak_in_flight)),
        (_("Attempts per second"), figure(reading.value("attempts_per_s"))),
        (_("Successes per second"), figure(reading.value("requests_per_s"))),
        (_("Output tokens per second"), figure(reading.value("output_tokens_per_s"))),
    ]
    ends = ", ".join(f"{name or '–'} {n}" for name, n in report.finish_reasons.items())
    return [*rows, (_("Answers ended with"), ends or "–")]


def cost_rows(page: PhasePage, data: dict[str, Any]) -> list[tuple[object, str]]:
    """Cost per million tokens, per answer, per won battle; empty without a price."""
    price = Price(
        data.get("per_hour"), data.get("per_million_input"), data.get("per_million_output")
    )
    tokens = page.report.tokens
    cost = cost_of(
        price,
        input_tokens=tokens.input_tokens,
        output_tokens=tokens.output_tokens,
        answers=page.report.outcomes.succeeded,
        window_s=page.timeline.window_s,
    )
    if cost.per_answer is None:
        return []
    win_share = data.get("win_share")
    per_win = cost.per_win(win_share / 100) if win_share else None
    figures = [
        (_("per million output tokens"), cost.per_million_output),
        (_("per million input tokens"), cost.per_million_input),
        (_("per answer"), cost.per_answer),
        (_("per won battle"), per_win),
    ]
    return [(label, money(value)) for label, value in figures if value is not None]


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


def money(value: float) -> str:
    """An amount: whole from a thousand on, else four significant digits."""
    return whole(value) if value >= 1000 else figure(value)


def whole(value: float) -> str:
    """A count; a dash where nothing was told."""
    return f"{value:,.0f}" if math.isfinite(value) else "–"


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
    if data.get("from_schedule"):
        slo = replace(slo, from_schedule=True)
    return None if slo.is_empty else (slo, goodput(page.timeline, slo))
