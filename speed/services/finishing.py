"""What a run leaves behind: its stamps, a row of figures per level, a grade, alerts."""

from __future__ import annotations

import hashlib
import math
import zlib
from dataclasses import asdict
from pathlib import Path
from typing import Any  # rows of a stored plan are JSON

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from arena.models import LanguageModel
from speed.metrics.percentiles import Estimate
from speed.metrics.quality import Grade
from speed.metrics.summary import PhaseReport, report_phase
from speed.models import SpeedAction, SpeedPhase, SpeedRun, SpeedStamps, SpeedStatus
from speed.services.planning import Side
from speed.services.regressions import find_regressions
from speed.services.starting import record
from speed.stamps import Stamps, parse_stamps

COMPRESSION = 3  # stamps are mostly noise in their low bytes; more effort gains nothing


class NothingMeasuredError(RuntimeError):
    """A run that ended without a single request."""


def store_part(
    *, run: SpeedRun, part: int, path: Path, sides: list[Side] | None = None
) -> SpeedStamps:
    """Keep a stamp file and a row per level; the same part twice is stored once."""
    data = path.read_bytes()
    stamps = parse_stamps(data, str(path))
    models = [side.language_model for side in sides] if sides else models_of(run, stamps)
    with transaction.atomic():
        stored, is_new = SpeedStamps.objects.get_or_create(
            run=run,
            part=part,
            defaults={
                "content": zlib.compress(data, COMPRESSION),
                "sha256": hashlib.sha256(data).hexdigest(),
            },
        )
        if is_new:
            SpeedPhase.objects.bulk_create(phase_rows(run, stored, stamps, models))
            if "in_process" in stamps.header:
                summary = {"in_process": stamps.header["in_process"]}
                SpeedRun.objects.filter(pk=run.pk).update(summary=summary)
    return stored


def models_of(run: SpeedRun, stamps: Stamps) -> list[LanguageModel | None]:
    """The models behind a stamp file found later, by the slugs in the run's spec."""
    slugs = [target.get("slug", "") for target in run.spec.get("targets", [])]
    found = {model.slug: model for model in LanguageModel.objects.filter(slug__in=slugs)}
    known = [found.get(slug) for slug in slugs]
    return known or [None] * len(stamps.header["plan"]["targets"])


def load_stamps(stored: SpeedStamps) -> Stamps:
    """A stored stamp file, opened; raises StampFileError."""
    return parse_stamps(zlib.decompress(stored.content), f"stamps {stored}")


def phase_rows(
    run: SpeedRun, stored: SpeedStamps, stamps: Stamps, models: list[LanguageModel | None]
) -> list[SpeedPhase]:
    """A row per level that was begun, numbered on from the parts before."""
    last = SpeedPhase.objects.filter(run=run).aggregate(last=Max("number"))["last"]
    number = 0 if last is None else last + 1
    begun = sorted({int(phase) for phase in stamps.requests["phase"]})
    rows = []
    for place, phase in enumerate(begun):
        report = report_phase(stamps, phase)
        if not report.outcomes.attempts:
            continue
        plan_phase = stamps.header["plan"]["phases"][phase]
        side = int(plan_phase["target"])
        rows.append(
            SpeedPhase(
                run=run,
                stamps=stored,
                number=number + place,
                phase=phase,
                side=side,
                language_model=models[side],
                **_figures(report, plan_phase),
            )
        )
    return rows


def _figures(report: PhaseReport, plan_phase: dict[str, Any]) -> dict[str, Any]:
    reading = report.readings["agon"]
    outcomes = report.outcomes
    is_closed = plan_phase["load"] == "closed"
    ttft, tpot = (report.headline.get(name, {}) for name in ("ttft_s", "tpot_s"))
    latency = report.headline.get("latency_s", {})
    return {
        "name": report.name[:80],
        "load": plan_phase["load"],
        "level": float(plan_phase["concurrency"] if is_closed else plan_phase["rate"]),
        "attempts": outcomes.attempts,
        "succeeded": outcomes.succeeded,
        "failed": outcomes.failed,
        "cancelled": outcomes.cancelled,
        "by_category": outcomes.by_category,
        "window_s": reading.value("window_s"),
        "requests_per_s": finite(reading.value("requests_per_s")),
        "output_tokens_per_s": finite(reading.value("output_tokens_per_s")),
        "input_tokens": report.tokens.input_tokens,
        "output_tokens": report.tokens.output_tokens,
        "ttft_s": _value(ttft, 50.0),
        "ttft_lower_s": ttft[50.0].lower if ttft else None,
        "ttft_upper_s": ttft[50.0].upper if ttft else None,
        "ttft_p99_s": _value(ttft, 99.0),
        "tpot_s": _value(tpot, 50.0),
        "tpot_lower_s": tpot[50.0].lower if tpot else None,
        "tpot_upper_s": tpot[50.0].upper if tpot else None,
        "latency_s": _value(latency, 50.0),
        "latency_p99_s": _value(latency, 99.0),
        "is_overloaded": report.saturation.is_overloaded,
        "grade": report.verdict.grade.value,
    }


def _value(estimates: dict[float, Estimate], percent: float) -> float | None:
    return finite(estimates[percent].value) if percent in estimates else None


def finite(value: float) -> float | None:
    """The value, or None where there is none: databases and JSON know no NaN."""
    return value if math.isfinite(value) else None


def finish(*, run: SpeedRun, status: SpeedStatus, detail: str = "") -> bool:
    """End a running run by a conditional update; False when somebody else did.

    A run that fails after some parts were stored keeps them.
    """
    rows = list(run.phases.all())
    if not rows and status == SpeedStatus.COMPLETED:
        status, detail = SpeedStatus.FAILED, "not one request was sent; nothing was measured"
    order = [grade.value for grade in Grade]
    worst = max((row.grade for row in rows), key=order.index, default="")
    run.refresh_from_db(fields=["summary"])
    alerts = find_regressions(run) if status == SpeedStatus.COMPLETED and worst != "red" else []
    slugs = {row.language_model_id for row in rows}
    ended = SpeedRun.objects.filter(
        pk=run.pk, status=SpeedStatus.RUNNING, lease_owner=run.lease_owner
    ).update(
        status=status,
        status_detail=detail,
        grade=worst,
        language_model_id=slugs.pop() if len(slugs) == 1 else None,
        summary={**run.summary, "regressions": [asdict(alert) for alert in alerts]},
        environment=environment_of(run),
        finished_at=timezone.now(),
        lease_expires_at=None,
        host="",
    )
    if ended:
        record(action=SpeedAction.FINISHED, run=run, detail=f"{status.value} {detail}".strip())
    return bool(ended)


def environment_of(run: SpeedRun) -> dict[str, Any]:
    """Circumstances of the last part: machine, stamps' source, the client's own health."""
    stored = run.stamps.order_by("-part").first()
    if stored is None:
        return {}
    header = load_stamps(stored).header
    names = ("machine", "timestamp_source", "health", "connections", "stop_reason", "started_at")
    return {name: header[name] for name in names if name in header}
