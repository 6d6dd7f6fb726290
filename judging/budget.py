"""A hard budget: no call is made that could exceed it, and the run then stops in order."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from providers.base import Completion

LIMITS = ("usd", "calls", "minutes")


class BudgetError(ValueError):
    """A budget that cannot be kept; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Budget:
    """The most that a run may spend: US dollars, paid calls, minutes since it was started."""

    usd: float | None = None
    calls: int | None = None
    minutes: float | None = None

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Budget | None:  # JSON of a run
        """The budget stored with a run, if it has one; raises BudgetError for a bad one."""
        given = settings.get("budget")
        if not given:
            return None
        unknown = sorted(set(given) - set(LIMITS))
        if unknown:
            raise BudgetError(f"a budget has no {unknown[0]!r}; it has: {', '.join(LIMITS)}")
        for name, value in given.items():
            if value is not None and value <= 0:
                raise BudgetError(f"the budget's {name} is {value}; it must be above 0")
        return cls(**given)


@dataclass(frozen=True, slots=True)
class Spent:
    """What has been spent: by this worker since it opened the run, or by all others."""

    usd: float = 0.0
    calls: int = 0


@dataclass(slots=True)
class Purse:
    """Lets a call begin only when even its dearest outcome stays within the budget.

    Calls that have to wait begin when a cheaper outcome of another makes room. When nothing is in
    flight and nothing more can begin, ``stop`` is called once with the reason. ``seconds`` tells
    how long the run has been going. Of several workers each counts what the others have stored:
    what is in flight elsewhere at that moment can exceed the budget, no more.
    """

    budget: Budget
    stop: Callable[[str], Awaitable[None]]
    seconds: Callable[[], float]
    before: Spent = field(default_factory=Spent)
    usd: float = 0.0
    calls: int = 0
    reserved_usd: float = 0.0
    in_flight: int = 0
    is_stopped: bool = False
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def pay(
        self,
        call: Callable[[], Awaitable[Completion]],
        *,
        at_most_usd: float,
        cost_of: Callable[[Completion], float],
    ) -> Completion:
        """The reply, once the call may begin; waits to be cancelled when it never may."""
        while reason := self.refusal(at_most_usd):
            if not self.in_flight:
                await self._stop_once(reason)
            self.changed.clear()
            await self.changed.wait()
        self.in_flight += 1
        self.reserved_usd += at_most_usd
        try:
            completion = await call()
            self.usd += cost_of(completion)
            return completion
        finally:
            self.calls += 1
            self.in_flight -= 1
            self.reserved_usd -= at_most_usd
            self.changed.set()

    def refusal(self, at_most_usd: float) -> str:
        """Why no call may begin now; empty when one may."""
        budget = self.budget
        usd = self.before.usd + self.usd
        if budget.usd is not None and usd + self.reserved_usd + at_most_usd > budget.usd:
            return (
                f"the budget of ${budget.usd:,.2f} is used up: ${usd:,.4f} are spent, and one more "
                f"call may cost ${at_most_usd:,.4f}"
            )
        calls = self.before.calls + self.calls + self.in_flight
        if budget.calls is not None and calls >= budget.calls:
            return f"the budget of {budget.calls} calls is used up"
        if budget.minutes is not None and self.seconds() >= 60 * budget.minutes:
            return f"the budget of {budget.minutes:g} minutes is used up"
        return ""

    async def _stop_once(self, reason: str) -> None:
        if not self.is_stopped:
            self.is_stopped = True
            await self.stop(reason)
