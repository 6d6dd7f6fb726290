"""A measured score beside a published one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from benchmarks.statistics.estimates import Estimate

WITHIN_STDERRS = 2.0
Z_95 = 1.959963984540054


class Agreement(StrEnum):
    WITHIN = "within"
    OFF = "off"
    OTHER_PROTOCOL = "other_protocol"
    UNCERTAIN = "uncertain"


@dataclass(frozen=True, slots=True)
class Comparison:
    """``delta`` is measured minus published, ``z`` that in standard errors of the measurement."""

    delta: float
    z: float
    agreement: Agreement


def compare_to_target(measured: Estimate, published: float, *, same_protocol: bool) -> Comparison:
    """Whether a published value lies within two standard errors of ours.

    Published values come without an error, so the verdict is about our sampling error alone. Where
    all samples score alike, their spread says nothing and the interval's width stands in for it.
    """
    delta = measured.value - published
    stderr = measured.stderr or _stderr_of_interval(measured, published)
    z = math.copysign(math.inf, delta) if delta and stderr == 0 else delta / (stderr or 1.0)
    if not same_protocol:
        return Comparison(delta, z, Agreement.OTHER_PROTOCOL)
    if math.isnan(measured.stderr):
        return Comparison(delta, math.nan, Agreement.UNCERTAIN)
    within = abs(z) <= WITHIN_STDERRS
    return Comparison(delta, z, Agreement.WITHIN if within else Agreement.OFF)


def _stderr_of_interval(measured: Estimate, towards: float) -> float:
    """From the side of the interval that the published value lies on; 0 without an interval."""
    end = measured.upper if towards > measured.value else measured.lower
    width = abs(end - measured.value)
    return width / Z_95 if math.isfinite(width) else 0.0
