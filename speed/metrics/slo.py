"""Service-level objectives: presets, goodput, and whether a run holds one, with its doubt."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

import numpy as np
from scipy.special import betaincinv

from speed.definitions.agon import samples_of
from speed.metrics.percentiles import CONFIDENCE
from speed.metrics.timeline import Mask, Timeline


class Holds(StrEnum):
    """Whether an objective is met; ``UNCLEAR`` is not enough data, never a pass."""

    YES = "yes"
    NO = "no"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class Slo:
    """Limits that ``percent`` of all issued requests must keep, in seconds; None is no limit."""

    ttft_s: float | None = None
    tpot_s: float | None = None
    latency_s: float | None = None
    percent: float = 99.0
    from_schedule: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing is demanded."""
        return self.ttft_s is None and self.tpot_s is None and self.latency_s is None


@dataclass(frozen=True, slots=True)
class Goodput:
    """Requests that kept every limit: per second of the window, and as a share of the issued."""

    good_requests: int
    issued_requests: int
    good_per_s: float
    share: float
    share_lower: float
    share_upper: float
    holds: Holds


# MLPerf Inference, Server and Interactive scenarios (p99); GuideLLM's documented examples.
PRESETS: Mapping[str, Slo] = MappingProxyType(
    {
        "mlperf-llama2-70b": Slo(2.0, 0.200),
        "mlperf-llama2-70b-interactive": Slo(0.450, 0.040),
        "mlperf-mixtral-8x7b": Slo(2.0, 0.200),
        "mlperf-llama3.1-8b": Slo(2.0, 0.100),
        "mlperf-llama3.1-8b-interactive": Slo(0.500, 0.030),
        "mlperf-llama3.1-405b": Slo(6.0, 0.175),
        "mlperf-llama3.1-405b-interactive": Slo(4.5, 0.080),
        "mlperf-deepseek-r1": Slo(2.0, 0.080),
        "mlperf-deepseek-r1-interactive": Slo(1.5, 0.015),
        "mlperf-gptj": Slo(latency_s=20.0),
        "chat": Slo(0.200, 0.050),
        "rag": Slo(0.300, 0.100, 3.0),
        "code-completion": Slo(latency_s=2.0),
        "reader-first-token": Slo(4.0, 0.100, percent=95.0),
    }
)


def is_good(timeline: Timeline, slo: Slo) -> Mask:
    """Which of the issued requests succeeded within every limit.

    A limit on a figure that a request does not have (TPOT of a one-token answer) is kept.
    """
    good = np.zeros(len(timeline), dtype=np.bool_)
    samples = samples_of(timeline)
    suffix = "scheduled_s" if slo.from_schedule else "s"
    within = np.ones(int(np.count_nonzero(timeline.is_success)), dtype=np.bool_)
    for name, limit in (
        (f"ttft_{suffix}", slo.ttft_s),
        ("tpot_s", slo.tpot_s),
        (f"latency_{suffix}", slo.latency_s),
    ):
        if limit is not None:
            within &= ~(samples[name] > limit)
    good[timeline.is_success] = within
    return good


def goodput(timeline: Timeline, slo: Slo, *, level: float = CONFIDENCE) -> Goodput:
    """Goodput with a Clopper-Pearson interval of the share; issued requests are the base.

    The objective holds when even the interval's lower end reaches the demanded share, fails when
    its upper end does not, and is unclear in between.
    """
    issued = len(timeline)
    good = int(np.count_nonzero(is_good(timeline, slo)))
    lower, upper = share_interval(good, issued, level=level)
    demanded = slo.percent / 100
    holds = Holds.UNCLEAR
    if lower >= demanded:
        holds = Holds.YES
    elif upper < demanded:
        holds = Holds.NO
    window_s = timeline.window_s
    return Goodput(
        good_requests=good,
        issued_requests=issued,
        good_per_s=good / window_s if window_s else 0.0,
        share=good / issued if issued else float("nan"),
        share_lower=lower,
        share_upper=upper,
        holds=holds,
    )


def share_interval(good: int, issued: int, *, level: float = CONFIDENCE) -> tuple[float, float]:
    """Clopper-Pearson's exact interval of a share; (0, 1) without any request."""
    if issued == 0:
        return 0.0, 1.0
    tail = (1 - level) / 2
    lower = float(betaincinv(good, issued - good + 1, tail)) if good else 0.0
    upper = float(betaincinv(good + 1, issued - good, 1 - tail)) if good < issued else 1.0
    return lower, upper


def requests_needed(percent: float, *, level: float = CONFIDENCE) -> int:
    """Requests that prove an objective when all of them are good: ln((1-level)/2) / ln(share)."""
    return int(np.ceil(np.log((1 - level) / 2) / np.log(percent / 100)))
