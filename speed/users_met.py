"""Speed as users met it: the timings of live battles, apart from every measured run.

Nobody chose the load, the prompts or the hour of these answers, and both sides of a battle run at
once. So they are a series of their own and never mixed with measured figures, only set beside them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from django.utils import timezone
from django.utils.translation import gettext as _

from arena.models import Answer, AnswerOrigin, LanguageModel, WorkStatus
from speed.charts import Chart, series_chart
from speed.metrics.percentiles import Estimate, Floats, percentile_estimate
from speed.models import SpeedPhase
from speed.selectors import speed_of_models

DAYS = 90
MOST_ANSWERS = 20_000  # the newest; enough for any interval, and bounded in memory
MODELS_DRAWN = 6


class _Timing(NamedTuple):
    model_id: int
    day: dt.date
    ttft_s: float
    latency_s: float
    tpot_s: float


@dataclass(frozen=True, slots=True)
class MetLine:
    """One model's live answers; ``measured`` is what a board shows of its served speed."""

    model: LanguageModel
    answers: int
    ttft: Estimate
    ttft_p95: Estimate
    tpot: Estimate
    latency: Estimate
    measured: SpeedPhase | None


@dataclass(frozen=True, slots=True)
class UsersMet:
    """All models with live answers of the last days, the most used first."""

    lines: list[MetLine]
    chart: Chart | None


def users_met() -> UsersMet:
    """Medians with intervals per model, and per day; three queries."""
    timings = _timings()
    by_model: dict[int, list[_Timing]] = {}
    for timing in timings:
        by_model.setdefault(timing.model_id, []).append(timing)
    models = LanguageModel.objects.in_bulk(by_model)
    measured = speed_of_models(by_model)
    lines = [
        _line(models[pk], rows, measured.get(pk)) for pk, rows in by_model.items() if pk in models
    ]
    lines.sort(key=lambda line: (-line.answers, line.model.slug))
    drawn = [(line.model.display_name, by_model[line.model.pk]) for line in lines[:MODELS_DRAWN]]
    return UsersMet(lines, _chart(drawn))


def _timings() -> list[_Timing]:
    since = timezone.now() - dt.timedelta(days=DAYS)
    rows = (
        Answer.objects.filter(
            origin=AnswerOrigin.LIVE,
            status=WorkStatus.DONE,
            ttft_s__isnull=False,
            latency_s__isnull=False,
            created_at__gte=since,
        )
        .order_by("-id")
        .values_list("model_id", "created_at", "ttft_s", "latency_s", "output_tokens")
    )
    return [
        _Timing(model, at.date(), ttft, latency, _per_token(ttft, latency, tokens))
        for model, at, ttft, latency, tokens in rows[:MOST_ANSWERS]
        if ttft is not None and latency is not None
    ]


def _per_token(ttft_s: float, latency_s: float, tokens: int | None) -> float:
    if tokens is None or tokens < 2 or latency_s <= ttft_s:
        return float("nan")
    return (latency_s - ttft_s) / (tokens - 1)


def _line(model: LanguageModel, rows: Sequence[_Timing], measured: SpeedPhase | None) -> MetLine:
    def column(name: str) -> Floats:
        return np.array([getattr(row, name) for row in rows], dtype=np.float64)

    return MetLine(
        model=model,
        answers=len(rows),
        ttft=percentile_estimate(column("ttft_s"), 50),
        ttft_p95=percentile_estimate(column("ttft_s"), 95),
        tpot=percentile_estimate(column("tpot_s"), 50),
        latency=percentile_estimate(column("latency_s"), 50),
        measured=measured,
    )


def _chart(drawn: Sequence[tuple[str, Sequence[_Timing]]]) -> Chart | None:
    """Median TTFT per day and model; None with fewer than two days."""
    days = sorted({row.day for _name, rows in drawn for row in rows})
    if len(days) < 2:
        return None
    lines: dict[str, list[tuple[str, float | None]]] = {}
    for name, rows in drawn:
        by_day: dict[dt.date, list[float]] = {}
        for row in rows:
            by_day.setdefault(row.day, []).append(1000 * row.ttft_s)
        lines[name] = [
            (f"{day:%m-%d}", float(np.median(by_day[day])) if day in by_day else None)
            for day in days
        ]
    title = _("Median time to first token per day, ms")
    return series_chart("users", title, (_("day"), _("milliseconds")), lines)
