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
MATRIX_CELLS = 2_000_000  # keeps a batch of resamples within some 50 MB
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
    draws_a = _resampled(groups_a, percent, random)
    draws_b = _resampled(groups_b, percent, random)
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


def _resampled(groups: list[Floats], percent: float | None, random: np.random.Generator) -> Floats:
    """The statistic of ``RESAMPLES`` runs made of whole blocks drawn with replacement.

    A resample is a weight per block; values are sorted once, so that a percentile is a search in
    the cumulated weights and gives exactly what sorting the resample would.
    """
    size = len(groups)
    picks = random.integers(0, size, size=(RESAMPLES, size))
    counts = np.zeros((RESAMPLES, size))
    np.add.at(counts, (np.arange(RESAMPLES)[:, None], picks), 1)
    lengths = np.array([len(group) for group in groups])
    if percent is None:
        means: Floats = (counts @ np.array([g.sum() for g in groups])) / (counts @ lengths)
        return means
    values = np.concatenate(groups)
    order = np.argsort(values, kind="stable")
    block = np.repeat(np.arange(size), lengths)[order]
    rows = max(1, MATRIX_CELLS // len(values))
    parts = [
        _weighted_percentile(values[order], counts[first : first + rows][:, block], percent)
        for first in range(0, RESAMPLES, rows)
    ]
    return np.concatenate(parts)


def _weighted_percentile(ordered: Floats, weights: Floats, percent: float) -> Floats:
    """Percentile per row of whole-number ``weights`` of ascending values, as numpy's linear one."""
    reached = np.cumsum(weights, axis=1)
    place = (reached[:, -1] - 1) * percent / 100
    below = ordered[np.argmax(reached > np.floor(place)[:, None], axis=1)]
    above = ordered[np.argmax(reached > np.ceil(place)[:, None], axis=1)]
    between: Floats = below + (above - below) * (place - np.floor(place))
    return between


def _relative(value: float, base: float) -> float:
    return value / base - 1 if base else float("nan")


def _outcome(lower: float, upper: float) -> Outcome:
    if lower > 0:
        return Outcome.HIGHER
    return Outcome.LOWER if upper < 0 else Outcome.NO_CLEAR_DIFFERENCE
