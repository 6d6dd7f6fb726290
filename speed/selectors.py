"""Reading runs: lists, one run's live state, history, and what the boards pull."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any  # stored counters are JSON

from django.db.models import Prefetch, QuerySet
from django.utils.translation import gettext as _

from speed.charts import Chart, series_chart
from speed.models import SpeedMode, SpeedPhase, SpeedRun
from speed.spec import spec_from_json

LIVE_WIDTH, LIVE_HEIGHT = 240, 48
RUNS_IN_HISTORY = 30
Lines = dict[str, list[tuple[str, float | None]]]
SERIES = (SpeedMode.LOAD, SpeedMode.IN_PROCESS)


def listed_runs() -> QuerySet[SpeedRun]:
    """Newest first, with all a list shows: three queries whatever its length."""
    phases = Prefetch("phases", SpeedPhase.objects.order_by("number"))
    return SpeedRun.objects.select_related("language_model").prefetch_related(phases)


def target_names(run: SpeedRun) -> list[str]:
    """What the run was pointed at, as a reader knows it."""
    return [target.name for target in spec_from_json(run.spec).targets] or ["mock"]


@dataclass(frozen=True, slots=True)
class LiveState:
    """The newest counters and two small curves over the last two minutes."""

    counters: dict[str, Any]
    in_flight_points: str
    rate_points: str
    in_flight_peak: float
    rate_peak: float


def live_state(run: SpeedRun) -> LiveState:
    """What the polled part of the page shows."""
    samples = [sample for sample in run.progress.get("samples", []) if "at_s" in sample]
    flying = [float(sample["in_flight"]) for sample in samples]
    rates = [float(sample["per_s"]) for sample in samples]
    return LiveState(
        counters=run.progress,
        in_flight_points=curve(flying),
        rate_points=curve(rates),
        in_flight_peak=max(flying, default=0.0),
        rate_peak=max(rates, default=0.0),
    )


def curve(values: list[float]) -> str:
    """The points of an SVG polyline, from zero at the bottom to the peak at the top."""
    peak = max(values, default=0.0) or 1.0
    step = LIVE_WIDTH / max(1, len(values) - 1)
    return " ".join(
        f"{n * step:.1f},{LIVE_HEIGHT - 2 - (LIVE_HEIGHT - 4) * value / peak:.1f}"
        for n, value in enumerate(values)
    )


def sweep_charts(phases: list[SpeedPhase]) -> list[Chart]:
    """Waiting, decoding and throughput against load, for runs of several levels."""
    rows = [row for row in phases if row.ttft_s is not None]
    if len(rows) < 2:
        return []
    waiting: Lines = {
        _("TTFT p50, ms"): [(row.name, _ms(row.ttft_s)) for row in rows],
        _("TTFT p99, ms"): [(row.name, _ms(row.ttft_p99_s)) for row in rows],
    }
    decoding: Lines = {_("per token, ms"): [(row.name, _ms(row.tpot_s)) for row in rows]}
    throughput: Lines = {
        _("output tokens/s"): [(row.name, row.output_tokens_per_s) for row in rows]
    }
    level = _("level")
    return [
        series_chart("sweep-ttft", _("Waiting against load"), (level, _("ms")), waiting),
        series_chart("sweep-tpot", _("Decoding against load"), (level, _("ms")), decoding),
        series_chart(
            "sweep-tokens", _("Throughput against load"), (level, _("tokens/s")), throughput
        ),
    ]


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else 1000 * seconds


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """Runs of one target on equal work, oldest first, with their alerts."""

    target: str
    work: str
    runs: list[SpeedRun]
    chart: Chart
    alerts: list[tuple[SpeedRun, dict[str, Any]]]


def history() -> list[HistoryLine]:
    """Every series of at least two quotable runs, the newest series first."""
    runs = listed_runs().filter(status="completed", mode__in=SERIES).exclude(grade="red")
    groups: dict[tuple[str, str], list[SpeedRun]] = {}
    for run in runs.order_by("-id")[:500]:
        groups.setdefault((run.target_key, run.workload_key), []).append(run)
    lines = []
    for number, group in enumerate(group for group in groups.values() if len(group) > 1):
        newest = group[:RUNS_IN_HISTORY][::-1]
        lines.append(
            HistoryLine(
                target=", ".join(target_names(group[0])),
                work=work_in_words(group[0]),
                runs=newest,
                chart=_history_chart(number, newest),
                alerts=[(r, a) for r in newest for a in r.summary.get("regressions", [])],
            )
        )
    return lines


def work_in_words(run: SpeedRun) -> str:
    """What was sent and how, in a line."""
    spec = spec_from_json(run.spec)
    levels = ", ".join(f"{level:g}" for level in spec.load.levels)
    if spec.local is not None:
        prompt, answer = spec.workload.options.get("input_tokens"), spec.workload.output_tokens
        return _("inside a process · batch %(sizes)s · %(prompt)s → %(answer)s tokens") % {
            "sizes": levels,
            "prompt": prompt,
            "answer": answer,
        }
    return f"{spec.workload.name} · {spec.load.kind} {levels} · ≤ {spec.workload.output_tokens}"


def _history_chart(number: int, runs: list[SpeedRun]) -> Chart:
    lines: Lines = {
        _("TTFT p50, ms"): [],
        _("per token, ms"): [],
    }
    ttft, tpot = lines.values()
    for run in runs:
        row = max(run.phases.all(), key=lambda phase: phase.level)
        ttft.append((f"#{run.pk}", _ms(row.ttft_s)))
        tpot.append((f"#{run.pk}", _ms(row.tpot_s)))
    axes = (_("run"), _("milliseconds"))
    return series_chart(f"history-{number}", _("At the highest level"), axes, lines)


def speed_of_models(
    model_ids: Collection[int], *, is_in_process: bool = False
) -> dict[int, SpeedPhase]:
    """Per model the figures a board may show: the newest green or amber run's lowest level.

    The lowest level, because it is the one that different runs share and that says what a single
    user meets; red, overloaded and unfinished ones never count. Served figures and those of a
    model measured inside a process answer different questions, so they are asked for apart.
    One query.
    """
    rows = SpeedPhase.objects.publishable().filter(language_model_id__in=model_ids)
    if is_in_process:
        rows = rows.filter(run__mode=SpeedMode.IN_PROCESS)
    else:
        rows = rows.exclude(run__mode__in=(SpeedMode.IN_PROCESS, SpeedMode.CALIBRATION))
    rows = rows.order_by("run_id", "-level", "-number")
    return {row.language_model_id: row for row in rows if row.language_model_id is not None}
