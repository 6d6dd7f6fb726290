"""What the sides of one turn show while they are being written.

Words go out as they come. Rendering takes turns: all screens that stream at the moment share
``SHARE`` of the process, and each has its turn the more seldom the longer its renderings take, so
that neither many battles nor one long table holds the words of the others up. What has to wait for
longer than ``LONGEST_HOLD_S`` is shown unrendered until then. Sides are rendered in the same
breath: one that waited for longer than the other would tell of its text, but of no model's speed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar
from weakref import WeakSet

from arena.live.growing import Change, GrowingMarkdown

SHARE: Final = 0.15
LONGEST_HOLD_S: Final = 0.15
COLOUR_S: Final = 1.0  # of code, whose characters are all there already
CHARACTERS_PER_S: Final = 40_000  # of blocks sent again, for the sake of slow lines
THREAD_FROM_CHARACTERS: Final = 4_000  # an open block as long takes milliseconds

Result = TypeVar("Result")

_streaming: WeakSet[Screen] = WeakSet()  # they share this process


@dataclass(slots=True, weakref_slot=True, eq=False)
class Screen:
    """``sides`` from left to right; to be closed when the turn has ended."""

    sides: list[GrowingMarkdown]
    _rendered_at: float = field(default=float("-inf"))
    _cost_s: float = 0.0

    def __post_init__(self) -> None:
        _streaming.add(self)

    def close(self) -> None:
        _streaming.discard(self)

    @property
    def due_in_s(self) -> float | None:
        """Seconds until there is something to render, none if there is not."""
        if any(side.is_behind for side in self.sides):
            interval = self._interval_s
        elif any(side.is_uncoloured for side in self.sides):
            interval = max(COLOUR_S, self._interval_s)
        else:
            return None
        return max(0.0, self._rendered_at + interval - time.monotonic())

    @property
    def _interval_s(self) -> float:
        sent_again = max(side.open_length for side in self.sides)
        return max(self._cost_s * len(_streaming) / SHARE, sent_again / CHARACTERS_PER_S)

    async def news(self) -> dict[str, Any] | None:  # JSON
        """What browsers have to be told: blocks to put in the place of others, words to add."""
        words = [side.plain_words() for side in self.sides]
        changes: list[Change | None] = [None] * len(self.sides)
        due_in_s = self.due_in_s
        if due_in_s == 0:
            changes = await self._render()
        elif due_in_s is not None and self._interval_s > LONGEST_HOLD_S:
            for number, side in enumerate(self.sides):
                words[number] += side.raw_words()
        # rendered with all there is, words included
        words = ["" if new else plain for new, plain in zip(changes, words, strict=True)]
        if not any(changes):
            return {"words": words} if any(words) else None
        return {"words": words, "blocks": [new and new.as_message() for new in changes]}

    async def _render(self) -> list[Change | None]:
        longest = max(side.open_length for side in self.sides)
        changes = await _in_time(longest, self._render_sides)
        self._rendered_at = time.monotonic()
        return changes

    def _render_sides(self) -> list[Change | None]:
        began = time.thread_time()
        changes = [
            side.render() if side.is_behind or side.is_uncoloured else None for side in self.sides
        ]
        self._cost_s = time.thread_time() - began
        return changes


async def _in_time(characters: int, render: Callable[[], Result]) -> Result:
    """In a thread where the others would notice; where not, a thread would cost more."""
    if characters < THREAD_FROM_CHARACTERS:
        return render()
    return await asyncio.to_thread(render)
