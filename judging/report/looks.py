"""The looks of an adaptive run: when it looked, what it saw, what it had judged next."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.dateparse import parse_datetime

# the first look knows next to nothing; its width would press all others to the bottom
CHART_OVER_GOAL = 5
LOOKS_SHOWN = 40  # there are about ten; a run that was resumed often may have more


@dataclass(frozen=True, slots=True)
class ShownLook:
    """One look. ``widest`` is half the widest interval of a gap, in rating points.

    ``open_pairs`` are some of the open gaps and ``next_pairs`` what was judged next, the most
    frequent pair first; both are empty in runs made before they were kept, as ``at`` is None.
    ``left`` is the forecast of what was still to be made.
    """

    number: int
    at: dt.datetime | None
    judged: int
    separated: int
    within: int
    open_gaps: int
    widest: float
    next: int
    open_pairs: list[tuple[str, str]]
    next_pairs: list[tuple[str, str, int]]
    left: Mapping[str, Any] | None  # JSON of a Forecast
    x: float  # place on the chart, in percent
    y: float


@dataclass(frozen=True, slots=True)
class Looks:
    """All looks, and what was saved against judging everything."""

    within: float
    looks: list[ShownLook]
    is_reached: bool
    total: int
    asked: int

    @property
    def saved(self) -> int:
        """Judgments that were never asked for."""
        return max(self.total - self.asked, 0)

    @property
    def saved_share(self) -> float:
        """As a share of all."""
        return self.saved / self.total if self.total else 0.0

    @property
    def goal_y(self) -> float:
        """The asked-for width on the chart, in percent from above."""
        return 100 - 100 * self.within / self.highest

    @property
    def highest(self) -> float:
        """The chart's upper end in rating points."""
        return _highest(self.within, [look.widest for look in self.looks])


def looks_of(plan: Mapping[str, Any]) -> Looks | None:  # JSON of a run
    """What the run's plan has noted; None for a run that was not adaptive."""
    told = plan.get("adaptive") or {}
    noted = told.get("looks") or []
    if not noted:
        return None
    last, shown = noted[-1], list(enumerate(noted, start=1))[-LOOKS_SHOWN:]
    most = max(look["judged"] for _, look in shown) or 1
    highest = _highest(told["within"], [look["widest"] for _, look in shown])
    return Looks(
        within=told["within"],
        looks=[
            ShownLook(
                number=number,
                at=parse_datetime(look["at"]) if look.get("at") else None,
                judged=look["judged"],
                separated=look["n_separated"],
                within=look["n_within"],
                open_gaps=look["open_gaps"],
                widest=look["widest"],
                next=look["next"],
                open_pairs=[(a, b) for a, b in look.get("open_pairs", ())],
                next_pairs=[(a, b, n) for a, b, n in look.get("next_pairs", ())],
                left=look.get("left"),
                x=100 * look["judged"] / most,
                y=100 - 100 * min(look["widest"], highest) / highest,
            )
            for number, look in shown
        ],
        is_reached=last["is_reached"],
        total=told["total"],
        asked=last["asked"] + last["next"],
    )


def _highest(within: float, widths: list[float]) -> float:
    return float(min(max([within, *widths]), CHART_OVER_GOAL * within))
