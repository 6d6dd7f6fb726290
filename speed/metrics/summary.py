"""The report of a phase: counts, headline figures with intervals, findings, grade, overload."""

from dataclasses import dataclass
from typing import Any  # the stored plan is JSON

import numpy as np

from speed.definitions import DEFINITIONS, Reading, Setting
from speed.metrics.detection import (
    Finding,
    cache_hit_share,
    find_peculiarities,
    finish_counts,
    tokens_per_event,
)
from speed.metrics.outcomes import Outcomes, count_outcomes, peak_in_flight
from speed.metrics.percentiles import Estimate, percentile_estimate
from speed.metrics.quality import Verdict, grade_run
from speed.metrics.saturation import Saturation, detect_overload
from speed.metrics.timeline import Timeline
from speed.stamps import Stamps

HEADLINE_DEFINITION = "agon"
HEADLINE_PERCENTS = (50.0, 90.0, 95.0, 99.0)


@dataclass(frozen=True, slots=True)
class TokenCounts:
    """Totals over successes; means per request; ``cache_hit_share`` of the prompt tokens.

    ``cached_tokens`` is NaN when no answer states them.
    """

    input_tokens: float
    output_tokens: float
    reasoning_tokens: float
    input_per_request: float
    output_per_request: float
    tokens_per_package: float
    cache_hit_share: float
    cached_tokens: float


@dataclass(frozen=True, slots=True)
class PhaseReport:
    """Everything a page or an export needs of one phase."""

    name: str
    setting: Setting
    outcomes: Outcomes
    readings: dict[str, Reading]
    headline: dict[str, dict[float, Estimate]]
    tokens: TokenCounts
    peak_in_flight: int
    finish_reasons: dict[str, int]
    findings: list[Finding]
    verdict: Verdict
    saturation: Saturation


def report_phases(stamps: Stamps) -> list[PhaseReport]:
    """A report for every phase that was begun."""
    return [
        report_phase(stamps, number)
        for number in range(len(stamps.header["plan"]["phases"]))
        if np.any(stamps.requests["phase"] == number)
    ]


def report_phase(stamps: Stamps, number: int) -> PhaseReport:
    """The report of one phase."""
    plan_phase = stamps.header["plan"]["phases"][number]
    timeline = Timeline(stamps, number)
    setting = setting_of(plan_phase, len(timeline))
    readings = {name: read(timeline, setting) for name, read in DEFINITIONS.items()}
    return PhaseReport(
        name=str(plan_phase["name"]),
        setting=setting,
        outcomes=count_outcomes(timeline),
        readings=readings,
        headline={
            name: {p: percentile_estimate(values, p) for p in HEADLINE_PERCENTS}
            for name, values in readings[HEADLINE_DEFINITION].samples.items()
        },
        tokens=count_tokens(timeline),
        peak_in_flight=peak_in_flight(timeline),
        finish_reasons=finish_counts(timeline),
        findings=find_peculiarities(timeline),
        verdict=grade_run(timeline, _slots(plan_phase)),
        saturation=detect_overload(timeline),
    )


def setting_of(plan_phase: dict[str, Any], attempts: int) -> Setting:
    """What a stored phase asked for; a phase without a count expected what it attempted."""
    expected = plan_phase["requests"]
    return Setting(_slots(plan_phase), attempts if expected is None else int(expected))


def _slots(plan_phase: dict[str, Any]) -> float:
    is_closed = plan_phase["load"] == "closed"
    return float(plan_phase["concurrency"] if is_closed else 1)


def count_tokens(timeline: Timeline) -> TokenCounts:
    """Token totals of the successes; unknown counts add nothing."""
    ok = timeline.is_success
    succeeded = max(1, int(np.count_nonzero(ok)))
    prompt = float(np.nansum(timeline.prompt_tokens[ok]))
    output = float(np.nansum(timeline.output_tokens[ok]))
    return TokenCounts(
        input_tokens=prompt,
        output_tokens=output,
        reasoning_tokens=float(np.maximum(timeline.rows["reasoning_tokens"][ok], 0).sum()),
        input_per_request=prompt / succeeded,
        output_per_request=output / succeeded,
        tokens_per_package=tokens_per_event(timeline),
        cache_hit_share=cache_hit_share(timeline),
        cached_tokens=_cached_tokens(timeline),
    )


def _cached_tokens(timeline: Timeline) -> float:
    stated = timeline.rows["cached_tokens"][timeline.is_success]
    stated = stated[stated >= 0]
    return float(stated.sum()) if len(stated) else float("nan")
