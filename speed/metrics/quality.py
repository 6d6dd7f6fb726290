"""Whether a run may be quoted: green, amber or red, with the reasons; red never reaches a board.

Limits follow docs/speed.md: a client that is busy, late or blind measures itself.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

import numpy as np

from speed.metrics.detection import buffered_share, length_deviation, merged_share
from speed.metrics.timeline import Timeline

MIN_SAMPLES_PER_SLOT = 5
MIN_SAMPLES = 200
MIN_SAMPLES_AT_ALL = 20
WANTED_REPEATS, MIN_REPEATS = 5, 3


class Grade(StrEnum):
    """The verdict on a run, from good to bad."""

    GREEN = "green"
    AMBER = "amber"
    RED = "red"


@dataclass(frozen=True, slots=True)
class Check:
    """One figure against its two limits: beyond ``amber`` a caution, beyond ``red`` a refusal."""

    name: str
    value: float
    amber: float
    red: float

    @property
    def grade(self) -> Grade:
        """Where the value falls; a value that could not be measured is a caution."""
        if np.isnan(self.value):
            return Grade.AMBER
        if self.value > self.red:
            return Grade.RED
        return Grade.AMBER if self.value > self.amber else Grade.GREEN


@dataclass(frozen=True, slots=True)
class Verdict:
    """The worst grade of all checks, and the checks themselves."""

    grade: Grade
    checks: tuple[Check, ...]

    @property
    def may_be_published(self) -> bool:
        """Whether the run may stand on a board."""
        return self.grade is not Grade.RED


def grade_run(timeline: Timeline, concurrency: float) -> Verdict:
    """Grade a phase: client health from the run's header, the rest from its own requests.

    A model measured inside a process has no client; its repeats and its peace are looked at.
    """
    if "in_process" in timeline.stamps.header:
        checks: tuple[Check, ...] = tuple(_in_process_checks(timeline))
    else:
        checks = (*_client_checks(timeline), *_sample_checks(timeline, concurrency))
    order = list(Grade)
    worst = max((check.grade for check in checks), key=order.index)
    return Verdict(worst, checks)


def _client_checks(timeline: Timeline) -> Iterator[Check]:
    health = timeline.stamps.header["health"]
    gap_s = _median_gap_s(timeline)
    lags = timeline.stamps.lags_ns
    loop_lag_s = float(np.quantile(lags, 0.99)) / 1e9 if len(lags) else float("nan")
    yield Check("client_cpu_share", float(health["cpu_share_peak"]), 0.5, 0.85)
    if timeline.stamps.header["timestamp_source"] == "kernel":
        # Kernel stamps do not suffer from a late loop, sends do: the limit is absolute.
        yield Check("loop_lag_p99_s", loop_lag_s, 0.02, 0.25)
    else:
        yield Check("loop_lag_p99_s", loop_lag_s, 0.05 * gap_s, 0.25 * gap_s)
    # A closed loop schedules a request when its slot is free, so its delay is the client's own;
    # in an open loop the wait for a place under max_in_flight is part of it, as it should be.
    delay_s = float(np.quantile(timeline.queue_wait, 0.99)) if len(timeline) else float("nan")
    yield Check("schedule_delay_p99_s", delay_s, 0.005, 0.05)
    yield Check("merged_read_share", merged_share(timeline), 0.01, 0.2)
    yield Check("clock_step_s", float(timeline.stamps.header["clock_step_ns"]) / 1e9, 0.0, 0.0)


def _sample_checks(timeline: Timeline, concurrency: float) -> Iterator[Check]:
    succeeded = int(np.count_nonzero(timeline.is_success))
    needed = max(MIN_SAMPLES_PER_SLOT * concurrency, MIN_SAMPLES)
    yield Check("missing_samples", needed - succeeded, 0, needed - MIN_SAMPLES_AT_ALL)
    failed = 1 - succeeded / len(timeline) if len(timeline) else 1.0
    yield Check("failed_share", failed, 0.01, 0.5)
    yield Check("buffered_share", buffered_share(timeline), 0.05, 0.5)
    yield Check("length_deviation", length_deviation(timeline), 0.05, 0.5)


def _in_process_checks(timeline: Timeline) -> Iterator[Check]:
    repeats, first = np.unique(timeline.rows["turn"], return_index=True)
    latency = timeline.latency[first]
    missing = WANTED_REPEATS - len(repeats)
    yield Check("missing_repeats", missing, 0, WANTED_REPEATS - MIN_REPEATS)
    spread = float(latency.std() / latency.mean()) if len(repeats) else float("nan")
    yield Check("repeat_spread", spread, 0.05, 0.25)
    others = timeline.stamps.header["health"]["others_busy_share"]
    yield Check("others_busy_share", float("nan") if others is None else others, 0.1, 0.5)
    yield Check("length_deviation", length_deviation(timeline), 0.05, 0.5)


def _median_gap_s(timeline: Timeline) -> float:
    gaps, _ = timeline.gaps("text", only_resolved=True)
    return float(np.median(gaps)) if len(gaps) else float("nan")


def longest_pause_s(timeline: Timeline) -> float:
    """The longest time in which not one request was sent; a stalled client shows here."""
    sent = np.sort(timeline.sent)
    return max((float(b - a) for a, b in pairwise(sent)), default=0.0)
