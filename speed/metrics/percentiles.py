"""Percentiles and means with their uncertainty, and the percentile rule of each tool."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

Floats = NDArray[np.float64]
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its interval; None for a side that the sample is too small to bound."""

    value: float
    lower: float | None
    upper: float | None
    samples: int


def percentile_estimate(values: Floats, percent: float, *, level: float = CONFIDENCE) -> Estimate:
    """A percentile (linear between order statistics) with a distribution-free interval.

    The interval is between order statistics l and u such that the binomial probability that the
    true percentile lies between them is at least ``level`` (Hahn and Meeker, Statistical
    Intervals, section 5.2). NaN are left out. An empty sample gives NaN without an interval.
    """
    return percentile_estimates(values, (percent,), level=level)[percent]


def percentile_estimates(
    values: Floats, percents: Sequence[float], *, level: float = CONFIDENCE
) -> dict[float, Estimate]:
    """Several percentiles of one sample, which is sorted once."""
    ordered = np.sort(values[~np.isnan(values)])
    return {percent: _of_ordered(ordered, percent, level) for percent in percents}


def _of_ordered(ordered: Floats, percent: float, level: float) -> Estimate:
    from scipy import stats  # every command would wait half a second for it

    size = len(ordered)
    if size == 0:
        return Estimate(float("nan"), None, None, 0)
    share = percent / 100
    tail = (1 - level) / 2
    low_rank = int(stats.binom.ppf(tail, size, share))
    high_rank = int(stats.binom.ppf(1 - tail, size, share)) + 1
    return Estimate(
        value=_linear(ordered, percent),
        lower=float(ordered[low_rank - 1]) if low_rank >= 1 else None,
        upper=float(ordered[high_rank - 1]) if high_rank <= size else None,
        samples=size,
    )


def _linear(ordered: Floats, percent: float) -> float:
    """The percentile of ascending values as ``np.percentile`` defines it, without its search."""
    place = (len(ordered) - 1) * percent / 100
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return float(ordered[low] + (ordered[high] - ordered[low]) * (place - low))


def mean_estimate(values: Floats, *, level: float = CONFIDENCE) -> Estimate:
    """The mean with Student's interval; fewer than two values have none."""
    kept = values[~np.isnan(values)]
    size = len(kept)
    if size == 0:
        return Estimate(float("nan"), None, None, 0)
    mean = float(kept.mean())
    if size < 2:
        return Estimate(mean, None, None, size)
    half = float(stdtrit(size - 1, (1 + level) / 2)) * float(kept.std(ddof=1)) / size**0.5
    return Estimate(mean, mean - half, mean + half, size)


def percentile_table(
    samples: Mapping[str, Floats], percents: Sequence[float]
) -> dict[str, dict[float, float]]:
    """Linear percentiles of every sample, NaN left out; samples without a value are left out."""
    table: dict[str, dict[float, float]] = {}
    for name, values in samples.items():
        kept = values[~np.isnan(values)]
        if len(kept):
            found = np.percentile(kept, percents).tolist()
            table[name] = dict(zip(percents, found, strict=True))
    return table


def floor_index_percentiles(values: Floats, percents: Sequence[float]) -> dict[float, float]:
    """Percentiles as llmuses and EvalScope take them: the sorted value at index floor(n p / 100).

    With n = 20 both p95 and p99 are the maximum. NaN for an empty sample.
    """
    ordered = np.sort(values[~np.isnan(values)])
    size = len(ordered)
    if not size:
        return dict.fromkeys(percents, float("nan"))
    return {p: float(ordered[min(size - 1, int(size * p / 100))]) for p in percents}


def smallest_sample_for(percent: float) -> int:
    """How many values it takes for a percentile not to be the maximum: 100 for p99."""
    return round(100 / (100 - percent))
