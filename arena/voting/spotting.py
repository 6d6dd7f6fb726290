"""Trying long patterns only where one may begin and a name stands close enough.

Tried at every character they would take a second of the processor for a text that was made to be
slow; and one that comes close everywhere is given up after so many places.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

REACH: Final = 600  # characters from where an introduction begins to where its name does
NEAR: Final = 24
MOST_TRIED: Final = 1000  # places; the slowest take 40 µs each


@dataclass(frozen=True, slots=True)
class Spotter:
    """``places`` finds where ``pattern`` may begin, or with ``reaches_back`` where it may end;
    where it cannot do no harm. A name must begin within ``reach`` of there, or of a place of the
    group ``near``, where it must follow at once, within ``NEAR``.
    """

    places: re.Pattern[str]
    pattern: re.Pattern[str]
    reach: int = REACH
    reaches_back: bool = False

    def search(self, text: str, names: Iterable[int]) -> re.Match[str] | None:
        """``names`` are the places of names, in order."""
        for tried, place in enumerate(self.candidates(text, names)):
            if tried == MOST_TRIED:
                return None
            if found := self._match(text, place):
                return found
        return None

    def candidates(self, text: str, names: Iterable[int]) -> Iterator[re.Match[str]]:
        """Places with a name close enough, each text and its names gone through once."""
        ahead = iter(names)
        name = next(ahead, None)
        for place in self.places.finditer(text):
            first, last = self._range(place)
            while name is not None and name < first:
                name = next(ahead, None)
            if name is None:
                return
            if name <= last:
                yield place

    def _range(self, place: re.Match[str]) -> tuple[int, int]:
        start = place.start()
        if self.reaches_back:
            return start - self.reach, start
        return start, start + (NEAR if place.lastgroup == "near" else self.reach)

    def _match(self, text: str, place: re.Match[str]) -> re.Match[str] | None:
        if self.reaches_back:
            return self.pattern.search(text, max(place.start() - self.reach, 0), place.end())
        return self.pattern.match(text, place.start())
