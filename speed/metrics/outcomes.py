"""How requests ended: exact counts that add up to the attempts."""

from dataclasses import dataclass

import numpy as np

from speed.metrics.percentiles import Floats
from speed.metrics.timeline import Timeline
from speed.stamps import Category


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Counts by category; ``attempts`` is their sum, ``cancelled`` stands outside it."""

    attempts: int
    succeeded: int
    failed: int
    cancelled: int
    by_category: dict[str, int]


def count_outcomes(timeline: Timeline) -> Outcomes:
    """Every attempt in its one category; categories without a request are left out."""
    counts = np.bincount(timeline.rows["category"], minlength=len(Category))
    by_category = {
        category.name.lower(): int(counts[category]) for category in Category if counts[category]
    }
    succeeded = int(counts[Category.SUCCEEDED])
    return Outcomes(
        attempts=len(timeline),
        succeeded=succeeded,
        failed=len(timeline) - succeeded,
        cancelled=timeline.cancelled,
        by_category=by_category,
    )


def in_flight_at(timeline: Timeline, moments_s: Floats) -> Floats:
    """How many requests were under way at each moment (seconds from the start of the run)."""
    started = np.searchsorted(np.sort(timeline.sent), moments_s, side="right")
    ended = np.searchsorted(np.sort(timeline.end), moments_s, side="right")
    under_way: Floats = (started - ended).astype(np.float64)
    return under_way


def peak_in_flight(timeline: Timeline) -> int:
    """The most requests under way at once."""
    if not len(timeline):
        return 0
    return int(in_flight_at(timeline, timeline.sent).max())
