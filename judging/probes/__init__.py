"""Probes: answers whose right verdict is known, one probe per module.

A probe plants something into an answer (nothing at all, an order to the judge, padding…) and says
which verdicts show that the judge was not taken in.
"""

from judging.probes.base import (
    Case,
    Criterion,
    JudgeNames,
    Probe,
    ProbeItem,
    has_passed,
)
from registry import Registry

PROBES: Registry[Probe] = Registry("probe", "judging.probes")

__all__ = ["PROBES", "Case", "Criterion", "JudgeNames", "Probe", "ProbeItem", "has_passed"]
