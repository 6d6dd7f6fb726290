"""A measured score beside a published one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from benchmarks.statistics.estimates import Estimate

WITHIN_STDERRS = 2.0


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

    Published values come without an error, so the verdict is about our sampling error alone.
    """
    delta = measured.value - published
    if measured.stderr > 0:
        z = delta / measured.stderr
    else:
        z = 0.0 if delta == 0 else math.copysign(math.inf, delta)
    if not same_protocol:
        return Comparison(delta, z, Agreement.OTHER_PROTOCOL)
    if math.isnan(measured.stderr):
        return Comparison(delta, math.nan, Agreement.UNCERTAIN)
    within = abs(z) <= WITHIN_STDERRS
    return Comparison(delta, z, Agreement.WITHIN if within else Agreement.OFF)
