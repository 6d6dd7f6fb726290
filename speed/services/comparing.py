"""Two measured levels, or the two sides of an interleaved run, against each other."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from speed.definitions.agon import samples_of
from speed.metrics.comparison import Comparison, compare, lengths_differ
from speed.metrics.timeline import Floats, Timeline
from speed.models import SpeedPhase, SpeedRun
from speed.stamps import parse_stamps


@dataclass(frozen=True, slots=True)
class ComparedMetric:
    """A figure that two sides are compared on; all are better when lower."""

    name: str
    sample: str
    percent: float | None


METRICS = (
    ComparedMetric("ttft_p50", "ttft_s", 50.0),
    ComparedMetric("ttft_p95", "ttft_s", 95.0),
    ComparedMetric("tpot_p50", "tpot_s", 50.0),
    ComparedMetric("tpot_p95", "tpot_s", 95.0),
    ComparedMetric("latency_p50", "latency_s", 50.0),
    ComparedMetric("latency_p95", "latency_s", 95.0),
    ComparedMetric("latency_mean", "latency_s", None),
)


@dataclass(frozen=True, slots=True)
class ComparedLine:
    """One metric's comparison, B against A."""

    metric: ComparedMetric
    comparison: Comparison


@dataclass(frozen=True, slots=True)
class SideBySide:
    """``is_fair`` is False when the answers' lengths differ by more than 5 %."""

    lines: list[ComparedLine]
    is_fair: bool
    tokens_a: float
    tokens_b: float


def open_timeline(row: SpeedPhase) -> Timeline:
    """The requests behind a stored level."""
    data = zlib.decompress(row.stamps.content)
    return Timeline(parse_stamps(data, f"stamps {row.stamps}"), row.phase)


def samples_by_metric(timeline: Timeline) -> dict[str, Floats]:
    """Samples per request, in the order in which the requests were sent."""
    return samples_of(timeline)


def compare_levels(a: SpeedPhase, b: SpeedPhase) -> SideBySide:
    """Two stored levels."""
    return compare_timelines(open_timeline(a), open_timeline(b))


def compare_sides(run: SpeedRun) -> SideBySide | None:
    """The sides of an interleaved run, its turns as blocks; None without two sides."""
    stored = run.stamps.first()
    if stored is None:
        return None
    stamps = parse_stamps(zlib.decompress(stored.content), f"stamps {stored}")
    phases = stamps.header["plan"]["phases"]
    turns = [
        tuple(n for n, phase in enumerate(phases) if phase["target"] == side) for side in (0, 1)
    ]
    if not all(turns):
        return None
    a, b = Timeline(stamps, turns[0]), Timeline(stamps, turns[1])
    return compare_timelines(a, b, blocks=(_turn_of(a), _turn_of(b)))


def _turn_of(timeline: Timeline) -> NDArray[np.int64]:
    turns: NDArray[np.int64] = timeline.rows["phase"][timeline.is_success].astype(np.int64)
    return turns


def compare_timelines(
    a: Timeline,
    b: Timeline,
    *,
    blocks: Sequence[NDArray[np.int64]] | None = None,
) -> SideBySide:
    """Every metric of METRICS."""
    samples_a, samples_b = samples_by_metric(a), samples_by_metric(b)
    lines = [
        ComparedLine(
            metric,
            compare(
                samples_a[metric.sample],
                samples_b[metric.sample],
                percent=metric.percent,
                blocks_a=blocks[0] if blocks else None,
                blocks_b=blocks[1] if blocks else None,
            ),
        )
        for metric in METRICS
    ]
    lengths = [side.output_tokens[side.is_success] for side in (a, b)]
    is_known = all(len(values) and not np.isnan(values).all() for values in lengths)
    return SideBySide(
        lines=lines,
        is_fair=not (is_known and lengths_differ(*lengths)),
        tokens_a=float(np.nanmean(lengths[0])) if is_known else float("nan"),
        tokens_b=float(np.nanmean(lengths[1])) if is_known else float("nan"),
    )
