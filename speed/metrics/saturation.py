"""Overload: when requests come faster than they are served, latency measures the run's length.

As GuideLLM does it: both the number of requests in flight and TTFT climb significantly. Requests
that overlap are not independent, so the lines are fitted through means of equal time bins, and a
climb counts only when it is also material.
"""

from dataclasses import dataclass

import numpy as np

from speed.metrics.outcomes import in_flight_at
from speed.metrics.percentiles import CONFIDENCE, Floats
from speed.metrics.timeline import Timeline

BINS = 20
MIN_BINS = 8
MATERIAL_GROWTH = 1.5  # the fitted line ends at least half as high again as it began


@dataclass(frozen=True, slots=True)
class Trend:
    """A straight line through binned means: its slope with a one-sided lower bound."""

    slope_per_s: float
    slope_lower: float
    start: float
    end: float

    @property
    def is_climbing(self) -> bool:
        """Significantly and materially upwards."""
        return self.slope_lower > 0 and self.end > MATERIAL_GROWTH * max(self.start, 0.0)


@dataclass(frozen=True, slots=True)
class Saturation:
    """Whether a phase was overloaded; trends are None when the run is too short to tell."""

    is_overloaded: bool
    in_flight: Trend | None
    ttft: Trend | None


def detect_overload(timeline: Timeline) -> Saturation:
    """Look at the time in which requests were being issued; the drain after it falls anyway.

    TTFT is taken from the scheduled time and, for requests that never got a token, from how long
    they had waited when they ended.
    """
    if len(timeline) < MIN_BINS * 2:
        return Saturation(False, None, None)
    start, stop = float(timeline.scheduled.min()), float(timeline.scheduled.max())
    if stop <= start:
        return Saturation(False, None, None)
    edges = np.linspace(start, stop, BINS + 1)
    middles = (edges[1:] + edges[:-1]) / 2
    flying = fit_trend(middles, in_flight_at(timeline, middles))
    first = timeline.chunk_times("text").first
    waited = np.where(np.isnan(first), timeline.end, first) - timeline.scheduled
    bins = np.clip(np.digitize(timeline.scheduled, edges) - 1, 0, BINS - 1)
    means = np.array(
        [waited[bins == i].mean() if np.any(bins == i) else np.nan for i in range(BINS)]
    )
    waiting = fit_trend(middles, means)
    is_overloaded = bool(flying and waiting and flying.is_climbing and waiting.is_climbing)
    return Saturation(is_overloaded, flying, waiting)


def fit_trend(at_s: Floats, values: Floats, *, level: float = CONFIDENCE) -> Trend | None:
    """Least squares through the known points; None with fewer than eight of them."""
    from scipy import stats  # every command would wait half a second for it

    known = ~np.isnan(values)
    if np.count_nonzero(known) < MIN_BINS:
        return None
    line = stats.linregress(at_s[known], values[known])
    quantile = float(stats.t.ppf(level, np.count_nonzero(known) - 2))
    return Trend(
        slope_per_s=float(line.slope),
        slope_lower=float(line.slope - quantile * line.stderr),
        start=float(line.intercept + line.slope * at_s[0]),
        end=float(line.intercept + line.slope * at_s[-1]),
    )
