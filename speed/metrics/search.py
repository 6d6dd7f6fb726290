"""The highest load that holds an objective: climb, then halve, and ask again where in doubt."""

from dataclasses import dataclass, field

from speed.metrics.slo import Holds

GROWTH = 2.0
MAX_REPEATS = 2


@dataclass(frozen=True, slots=True)
class Trial:
    """One level that was tried."""

    level: float
    holds: Holds


@dataclass(slots=True)
class SloSearch:
    """Decides which load to try next; whoever runs it reports back with ``record``.

    Levels are concurrencies (``is_whole``) or rates. An unclear level is repeated up to twice and
    then counts as failed, so the answer is never a lucky one. The search ends when the gap
    between the best level that holds and the lowest that fails is within ``tolerance`` of the
    former (or one, for whole levels), or at ``highest``.
    """

    lowest: float
    highest: float
    is_whole: bool = True
    tolerance: float = 0.05
    trials: list[Trial] = field(default_factory=list)
    _best: float | None = None
    _failed: float | None = None
    _asked: float | None = None
    _repeats: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.lowest <= self.highest:
            raise ValueError(
                f"the search needs 0 < lowest <= highest, not {self.lowest} and {self.highest}"
            )

    @property
    def best(self) -> float | None:
        """The highest level that held so far; None if none did."""
        return self._best

    def next_level(self) -> float | None:
        """The load to try next; None when the answer is known."""
        if self._asked is not None:
            return self._asked
        level = self._choose()
        self._asked = level
        return level

    def record(self, holds: Holds) -> None:
        """The verdict on the level last asked for."""
        level = self._asked
        if level is None:
            raise ValueError("no level was asked for")
        self.trials.append(Trial(level, holds))
        if holds is Holds.UNCLEAR and self._repeats < MAX_REPEATS:
            self._repeats += 1
            return
        self._repeats = 0
        self._asked = None
        if holds is Holds.YES:
            self._best = level
        else:
            self._failed = level

    def _choose(self) -> float | None:
        if self._failed is None:
            return self._climb()
        floor = self._best if self._best is not None else 0.0
        if self._best is None and self._failed <= self.lowest:
            return None
        gap = self._failed - floor
        if gap <= (1 if self.is_whole else self.tolerance * max(floor, self.lowest)):
            return None
        if self.is_whole and floor and gap <= self.tolerance * floor:
            return None
        middle = floor + gap / 2
        return float(int(middle)) if self.is_whole else middle

    def _climb(self) -> float | None:
        if self._best is None:
            return self.lowest
        if self._best >= self.highest:
            return None
        level = min(self._best * GROWTH, self.highest)
        return float(int(level)) if self.is_whole else level
