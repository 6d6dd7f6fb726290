"""How a run went over time: the curves behind the charts."""

from dataclasses import dataclass

import numpy as np

from speed.metrics.outcomes import in_flight_at
from speed.metrics.timeline import Floats, Timeline

MAX_POINTS = 600


@dataclass(frozen=True, slots=True)
class Series:
    """Parallel arrays, one entry per step of ``step_s``; times from the phase's first request.

    ``ttft_median_s`` holds NaN where no first token arrived in a step.
    """

    step_s: float
    at_s: Floats
    output_tokens_per_s: Floats
    requests_per_s: Floats
    failures_per_s: Floats
    in_flight: Floats
    ttft_median_s: Floats


def run_series(timeline: Timeline) -> Series:
    """Throughput, load, failures and TTFT per step; steps grow so that 600 points suffice."""
    if not len(timeline):
        empty = np.zeros(0)
        return Series(1.0, empty, empty, empty, empty, empty, empty)
    start = float(timeline.sent.min())
    span = max(float(timeline.end.max()) - start, 1e-9)
    step = max(0.25, float(np.ceil(span / MAX_POINTS * 4) / 4))
    bins = int(np.ceil(span / step))
    owner, at = timeline.chunk_arrivals("text")
    events = np.maximum(timeline.chunk_times("text").count, 1)
    weight = np.nan_to_num(timeline.output_tokens / events)[owner]
    ok = timeline.is_success
    edges: Floats = start + step * np.arange(bins, dtype=np.float64)
    return Series(
        step_s=step,
        at_s=edges - start,
        output_tokens_per_s=_per_step(at, start, step, bins, weight) / step,
        requests_per_s=_per_step(timeline.end[ok], start, step, bins) / step,
        failures_per_s=_per_step(timeline.end[~ok], start, step, bins) / step,
        in_flight=in_flight_at(timeline, edges + step / 2),
        ttft_median_s=_median_per_step(timeline, start, step, bins),
    )


def _per_step(
    at: Floats, start: float, step: float, bins: int, weight: Floats | None = None
) -> Floats:
    index = np.clip(((at - start) / step).astype(np.int64), 0, bins - 1)
    counted: Floats = np.bincount(index, weights=weight, minlength=bins).astype(np.float64)
    return counted


def _median_per_step(timeline: Timeline, start: float, step: float, bins: int) -> Floats:
    first = timeline.chunk_times("text").first
    has = timeline.is_success & ~np.isnan(first)
    ttft = (first - timeline.sent)[has]
    index = np.clip(((first[has] - start) / step).astype(np.int64), 0, bins - 1)
    medians = np.full(bins, np.nan)
    for step_number in np.unique(index):
        medians[step_number] = np.median(ttft[index == step_number])
    return medians
