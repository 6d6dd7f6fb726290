"""Two runs side by side: a difference with a block-bootstrap interval, or "not enough data".

Neighbouring requests share the server's state, so single requests are no independent draws. The
bootstrap therefore resamples blocks of consecutive requests (Kuensch 1989; non-overlapping blocks
as in Carlstein 1986), each side by itself. Interleaved runs use their own turns as blocks.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from speed.metrics.percentiles import CONFIDENCE

Floats = NDArray[np.float64]
MIN_BLOCKS = 8
MIN_BEYOND = 5  # values that must lie beyond a percentile before it is compared
MAX_BLOCKS = 40
RESAMPLES = 2000
LENGTH_TOLERANCE = 0.05


class Outcome(StrEnum):
    """What the comparison says of side B against side A."""

    LOWER = "lower"
    HIGHER = "higher"
    NO_CLEAR_DIFFERENCE = "no clear difference"
    NOT_ENOUGH_DATA = "not enough data"


@dataclass(frozen=True, slots=True)
class Comparison:
    """B minus A in the unit of the samples, and relative to A; intervals None without data."""

    value_a: float
    value_b: float
    difference: float
    lower: float | None
    upper: float | None
    relative: float
    relative_lower: float | None
    relative_upper: float | None
    outcome: Outcome


def compare(
    a: Floats,
    b: Floats,
    *,
    percent: float | None = 50.0,
    blocks_a: NDArray[np.int64] | None = None,
    blocks_b: NDArray[np.int64] | None = None,
    seed: int = 0,
    level: float = CONFIDENCE,
) -> Comparison:
    """Compare a percentile (``percent`` None: the mean) of two samples in order of time.

    ``blocks_a`` and ``blocks_b`` name the block of each value; by default each side is cut into
    up to 40 equal runs of neighbours. NaN are left out.
    """
    keep_a, keep_b = ~np.isnan(a), ~np.isnan(b)
    a, b = a[keep_a], b[keep_b]
    groups_a = _groups(a, None if blocks_a is None else blocks_a[keep_a])
    groups_b = _groups(b, None if blocks_b is None else blocks_b[keep_b])
    statistic = _statistic(percent)
    value_a = statistic(a) if len(a) else float("nan")
    value_b = statistic(b) if len(b) else float("nan")
    if not (_suffices(a, groups_a, percent) and _suffices(b, groups_b, percent)):
        return Comparison(
            *(value_a, value_b, value_b - value_a, None, None),
            *(_relative(value_b, value_a), None, None, Outcome.NOT_ENOUGH_DATA),
        )
    random = np.random.default_rng(seed)
    draws_a = _resampled(groups_a, statistic, random)
    draws_b = _resampled(groups_b, statistic, random)
    tails = [(1 - level) / 2, (1 + level) / 2]
    lower, upper = (float(x) for x in np.quantile(draws_b - draws_a, tails))
    relative = draws_b / np.where(draws_a == 0, np.nan, draws_a) - 1
    relative_lower, relative_upper = (float(x) for x in np.nanquantile(relative, tails))
    return Comparison(
        value_a=value_a,
        value_b=value_b,
        difference=value_b - value_a,
        lower=lower,
        upper=upper,
        relative=_relative(value_b, value_a),
        relative_lower=relative_lower,
        relative_upper=relative_upper,
        outcome=_outcome(lower, upper),
    )


def lengths_differ(a: Floats, b: Floats) -> bool:
    """Whether mean output lengths are more than 5 % apart: such runs must not be compared."""
    mean_a, mean_b = float(np.nanmean(a)), float(np.nanmean(b))
    return abs(mean_b - mean_a) > LENGTH_TOLERANCE * max(mean_a, mean_b)


def _statistic(percent: float | None) -> Callable[[Floats], float]:
    if percent is None:
        return lambda values: float(np.mean(values))
    return lambda values: float(np.percentile(values, percent))


def _groups(values: Floats, blocks: NDArray[np.int64] | None) -> list[Floats]:
    if blocks is not None:
        return [values[blocks == name] for name in np.unique(blocks)]
    count = min(MAX_BLOCKS, int(len(values) ** 0.5))
    return list(np.array_split(values, count)) if count else []


def _suffices(values: Floats, groups: list[Floats], percent: float | None) -> bool:
    if len(groups) < MIN_BLOCKS:
        return False
    if percent is None:
        return True
    share = min(percent, 100 - percent) / 100
    return len(values) * share >= MIN_BEYOND


def _resampled(
    groups: list[Floats], statistic: Callable[[Floats], float], random: np.random.Generator
) -> Floats:
    picks = random.integers(0, len(groups), size=(RESAMPLES, len(groups)))
    return np.array([statistic(np.concatenate([groups[i] for i in row])) for row in picks])


def _relative(value: float, base: float) -> float:
    return value / base - 1 if base else float("nan")


def _outcome(lower: float, upper: float) -> Outcome:
    if lower > 0:
        return Outcome.HIGHER
    return Outcome.LOWER if upper < 0 else Outcome.NO_CLEAR_DIFFERENCE
