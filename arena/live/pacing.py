"""Letting two streams through at one pace, so that speed does not betray who is writing.

Each tick both sides are given the same number of characters: as many as the slower one has
arrived with. A side that has ended no longer holds the other back, but what is left is still let
through no faster than ``MAX_CHARACTERS_PER_S``, the speed at which all finished text flows.
"""

from __future__ import annotations

from dataclasses import dataclass, field

MAX_CHARACTERS_PER_S = 900.0  # about 200 tokens per second, beyond anybody's reading


@dataclass(slots=True)
class PacedText:
    """One side: what has arrived, how much of it has been let through, whether more will come."""

    arrived: str = ""
    released: int = 0
    is_ended: bool = False

    @property
    def waiting(self) -> int:
        return len(self.arrived) - self.released

    @property
    def is_drained(self) -> bool:
        return self.is_ended and self.waiting == 0

    @property
    def shown(self) -> str:
        return self.arrived[: self.released]

    def release(self, characters: int) -> str:
        start = self.released
        self.released = min(start + characters, len(self.arrived))
        return self.arrived[start : self.released]


@dataclass(slots=True)
class Pace:
    """Several sides at one pace; ``is_matched=False`` lets each flow as it comes.

    Fractions of a character are carried from tick to tick, so the rate holds at any tick length.
    """

    sides: list[PacedText]
    is_matched: bool = True
    max_characters_per_s: float = MAX_CHARACTERS_PER_S
    _allowance: float = field(default=0.0)

    def feed(self, side: int, text: str) -> None:
        self.sides[side].arrived += text

    def end(self, side: int) -> None:
        self.sides[side].is_ended = True

    @property
    def is_drained(self) -> bool:
        return all(side.is_drained for side in self.sides)

    def advance(self, elapsed_s: float) -> list[str]:
        """What each side may show after ``elapsed_s`` more seconds."""
        if not self.is_matched:
            return [side.release(side.waiting) for side in self.sides]
        writing = [side for side in self.sides if not side.is_drained]
        if not writing:
            return [""] * len(self.sides)
        # one tick's worth more may be saved up, so that a late tick is made good but no stall is
        tick = elapsed_s * self.max_characters_per_s
        self._allowance = min(self._allowance + tick, 2 * tick + 1)
        unfinished = [side.waiting for side in writing if not side.is_ended]
        longest = max(side.waiting for side in writing)
        step = min([*unfinished, longest, int(self._allowance)])
        self._allowance -= step
        return [side.release(step) for side in self.sides]

    def stop(self) -> None:
        """Throw away what has not been shown; nothing more will come."""
        for side in self.sides:
            side.arrived = side.shown
            side.is_ended = True
