"""Self-calibration: how far this machine's generator is off, held against the mock's own record."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any  # the mock's record is JSON

import numpy as np

from speed.metrics.timeline import Floats, Timeline
from speed.mock_command import MockProcess
from speed.models import SpeedRun
from speed.services.comparing import open_timeline
from speed.services.driving import Driver
from speed.services.planning import generator_cpu, mock_side, neighbouring_cpu

TTFT_S, ITL_S = 0.2, 0.03
MS = 1e-3
TOLERANCE_SHARE = 0.02
NS = 1e9


@dataclass(frozen=True, slots=True)
class Deviation:
    """Reported against true medians of one level, in seconds.

    ``holds``: within 1 ms or 2 %, the larger of the two, as docs/speed.md promises.
    """

    phase: str
    metric: str
    reported: float
    true: float
    error: float
    p99_error: float
    holds: bool


def calibrate(driver: Driver) -> None:
    """Run the levels against the mock and store reported against true figures."""
    cpu = neighbouring_cpu(generator_cpu())
    place = [] if cpu is None else ["--cpu", str(cpu)]
    timing = ["--ttft-s", str(TTFT_S), "--itl-s", str(ITL_S)]
    with MockProcess("--urgent", *timing, *place) as mock:
        part = driver.measure([mock_side(mock)], driver.spec.phases())
        truth = {record["request_id"]: record for record in mock.truth()}
    deviations: list[Deviation] = []
    for row in driver.run.phases.filter(stamps__part=part).select_related("stamps"):
        deviations += deviations_of(row.name, open_timeline(row), truth, f"{driver.run.pk}-{part}")
    SpeedRun.objects.filter(pk=driver.run.pk).update(
        summary={"calibration": [asdict(deviation) for deviation in deviations]}
    )


def deviations_of(
    name: str, timeline: Timeline, truth: dict[str, Any], run_id: str
) -> list[Deviation]:
    """TTFT and TPOT of every successful request against the mock's writes for that request."""
    text = timeline.chunk_times("text")
    ok = np.flatnonzero(timeline.is_success)
    reported: dict[str, list[float]] = {"ttft_s": [], "tpot_s": []}
    true: dict[str, list[float]] = {"ttft_s": [], "tpot_s": []}
    for position in ok.tolist():
        record = truth.get(f"{run_id}-{int(timeline.rows['index'][position]):08d}")
        tokens = timeline.output_tokens[position]
        writes = token_writes(record) if record else []
        if record is None or len(writes) < 2 or not tokens > 1:
            continue
        reported["ttft_s"].append(text.first[position] - timeline.sent[position])
        true["ttft_s"].append((writes[0] - record["received_ns"]) / NS)
        reported["tpot_s"].append((text.last[position] - text.first[position]) / (tokens - 1))
        true["tpot_s"].append((writes[-1] - writes[0]) / NS / (tokens - 1))
    return [
        _deviation(name, metric, np.array(reported[metric]), np.array(true[metric]))
        for metric in reported
        if reported[metric]
    ]


def token_writes(record: dict[str, Any]) -> list[int]:
    """When the mock wrote output tokens; the opener without text is no token."""
    return [
        at for at, tokens in zip(record["sent_ns"], record["sent_tokens"], strict=True) if tokens
    ]


def _deviation(phase: str, metric: str, reported: Floats, true: Floats) -> Deviation:
    error = float(np.median(reported) - np.median(true))
    limit = max(MS, TOLERANCE_SHARE * float(np.median(true)))
    return Deviation(
        phase=phase,
        metric=metric,
        reported=float(np.median(reported)),
        true=float(np.median(true)),
        error=error,
        p99_error=float(np.percentile(np.abs(reported - true), 99)),
        holds=abs(error) <= limit,
    )
