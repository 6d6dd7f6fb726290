"""A run's report for a terminal."""

from __future__ import annotations

from typing import Any  # stored figures are JSON

from speed.export import phase_reports
from speed.metrics.summary import PhaseReport
from speed.models import SpeedRun

SHOWN = (("ttft_s", "TTFT"), ("tpot_s", "TPOT"), ("itl_s", "ITL"), ("latency_s", "latency"))


def run_as_text(run: SpeedRun) -> str:
    """Levels one after the other, then what a search or a calibration found."""
    lines = [f"run {run.pk}: {run.get_status_display()} {run.status_detail}".strip()]
    for row, report in phase_reports(run):
        lines += ["", f"{row.name}: {row.grade}", *_phase_lines(report)]
    for item in run.summary.get("in_process", []):
        lines += ["", f"inside a process, batch of {item['batch_size']}:", *_local_lines(item)]
    search = run.summary.get("search")
    if search:
        best = search["best"]
        lines += ["", f"highest load that holds the objective: {best if best else 'none'}"]
    for item in run.summary.get("calibration", []):
        verdict = "holds" if item["holds"] else "MISSED"
        lines.append(
            f"{item['phase']} {item['metric']}: {1000 * item['reported']:.3f} ms reported, "
            f"{1000 * item['true']:.3f} ms true, {verdict}"
        )
    for alert in run.summary.get("regressions", []):
        lines.append(
            f"REGRESSION {alert['phase']} {alert['metric']}: {100 * alert['relative']:+.1f} % "
            f"against run {alert['before']}"
        )
    return "\n".join(lines)


def _phase_lines(report: PhaseReport) -> list[str]:
    outcomes = report.outcomes
    failures = ", ".join(f"{n} {name}" for name, n in outcomes.by_category.items())
    old = report.readings["llmuses"]
    lines = [
        f"  requests: {outcomes.attempts} ({failures}), {outcomes.cancelled} cancelled",
        *(f"  {name} p50 {_milliseconds(report, sample)}" for sample, name in SHOWN),
        f"  as llmuses: {old.value('average_qps'):.3f} requests/s, "
        f"{old.value('throughput_tokens_per_s'):.1f} tokens/s, "
        f"{old.value('tpot_run_s'):.5f} s per output token",
    ]
    lines += [f"  found: {finding.name.value} {finding.value:.3g}" for finding in report.findings]
    lines += [
        f"  {check.grade.value}: {check.name} {check.value:.4g}"
        for check in report.verdict.checks
        if check.grade.value != "green"
    ]
    return lines


def _milliseconds(report: PhaseReport, sample: str) -> str:
    estimate = report.headline[sample][50.0]
    if not estimate.samples:
        return "–"
    p99 = report.headline[sample][99.0].value
    lower, upper = (
        "?" if bound is None else f"{1000 * bound:.1f}"
        for bound in (estimate.lower, estimate.upper)
    )
    return f"{1000 * estimate.value:.1f} ms [{lower}, {upper}], p99 {1000 * p99:.1f} ms"


LOCAL = (
    ("ttft_s", "TTFT", 1000.0, "ms"),
    ("prefill_tokens_per_s", "prefill", 1.0, "tokens/s"),
    ("tpot_s", "time per output token", 1000.0, "ms"),
    ("step_p50_s", "step p50", 1000.0, "ms"),
    ("step_p99_s", "step p99", 1000.0, "ms"),
    ("latency_s", "latency", 1000.0, "ms"),
    ("output_tokens_per_s", "output", 1.0, "tokens/s"),
)


def _local_lines(item: dict[str, Any]) -> list[str]:
    """Figures with their intervals over the repeats, then counts and memory."""
    lines = []
    for name, label, factor, unit in LOCAL:
        value, lower, upper = (item[name][key] for key in ("value", "lower", "upper"))
        bounds = ["?" if b is None else f"{b * factor:.2f}" for b in (lower, upper)]
        told = "–" if value is None else f"{value * factor:.2f}"
        lines.append(f"  {label}: {told} [{', '.join(bounds)}] {unit}")
    memory = item["peak_memory_bytes"] / 2**20
    lines.append(
        f"  {item['repeats']} repeats, {item['output_tokens']} tokens, "
        f"{item['rows_ended_early']} rows ended early"
    )
    lines.append(f"  peak memory: {memory:.0f} MiB ({item['peak_memory_kind']})")
    return lines
