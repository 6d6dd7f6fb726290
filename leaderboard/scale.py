"""Where an interval lies on the scale that a whole column of a board shares; pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

TARGET_TICKS = 4


@dataclass(frozen=True, slots=True)
class Scale:
    """From ``low`` to ``high`` in the rating's unit, with round ``ticks`` in between."""

    low: float
    high: float
    ticks: tuple[float, ...]

    def percent(self, value: float) -> float:
        """Position of ``value`` from 0 to 100."""
        return round(100 * (value - self.low) / (self.high - self.low), 2)


def shared_scale(values: Sequence[float]) -> Scale:
    """A scale that holds all values with a little room, and round tick marks.

    Equal values, or none, get one unit of room on both sides.
    """
    low, high = (min(values), max(values)) if values else (0.0, 0.0)
    room = 0.04 * (high - low) or 1.0
    low, high = low - room, high + room
    step = _round_step((high - low) / TARGET_TICKS)
    first = math.ceil(low / step)
    last = math.floor(high / step)
    return Scale(low, high, tuple(step * k for k in range(first, last + 1)))


def _round_step(rough: float) -> float:
    """The next of 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
