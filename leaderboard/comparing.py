"""Two snapshots side by side: what moved, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from arena.models import LanguageModel
from leaderboard.explaining import LEFT_OUT_LABELS
from leaderboard.models import Rating, Snapshot


@dataclass(frozen=True, slots=True)
class Move:
    """One model in both snapshots; ``before`` or ``after`` is None where it is in one only."""

    model: LanguageModel
    before: Rating | None
    after: Rating | None

    @property
    def rating_change(self) -> float | None:
        if self.before is None or self.after is None:
            return None
        return self.after.rating - self.before.rating

    @property
    def rank_change(self) -> int | None:
        """Places gained; negative when lost."""
        if self.before is None or self.after is None:
            return None
        return self.before.rank - self.after.rank

    @property
    def new_battles(self) -> int:
        return (self.after.battles if self.after else 0) - (
            self.before.battles if self.before else 0
        )

    @property
    def is_beyond_interval(self) -> bool:
        """Whether the new rating lies outside the old interval: more than noise would move it."""
        if self.before is None or self.after is None or self.before.rating_lower is None:
            return False
        upper = self.before.rating_upper
        return (
            not self.before.rating_lower
            <= self.after.rating
            <= (self.after.rating if upper is None else upper)
        )


@dataclass(frozen=True, slots=True)
class Change:
    """A setting or a count that differs between two snapshots."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """``changes`` are the reasons: rows, exclusions, query, method, options, program."""

    before: Snapshot
    after: Snapshot
    moves: list[Move]
    changes: list[Change]

    @property
    def are_same_rows(self) -> bool:
        return self.before.input_hash == self.after.input_hash


def compare_snapshots(before: Snapshot, after: Snapshot) -> Comparison:
    """Moves ordered by the later rank, models that left last."""
    rows = [
        {row.model_id: row for row in snapshot.ratings.select_related("model")}
        for snapshot in (before, after)
    ]
    models = {row.model_id: row.model for by_model in rows for row in by_model.values()}
    moves = [Move(models[pk], rows[0].get(pk), rows[1].get(pk)) for pk in models]
    moves.sort(key=lambda m: (m.after is None, m.after.rank if m.after else 0, m.model.slug))
    return Comparison(before, after, moves, _changes(before, after))


def _changes(before: Snapshot, after: Snapshot) -> list[Change]:
    changes = [
        Change(name, _shown(getattr(before, name)), _shown(getattr(after, name)))
        for name in ("battles", "method", "seed", "software_version")
        if getattr(before, name) != getattr(after, name)
    ]
    for name in ("query", "options"):
        changes += _differences(getattr(before, name), getattr(after, name))
    labels = {reason: str(label) for reason, label in LEFT_OUT_LABELS.items()}
    told = [{labels.get(r, r): n for r, n in s.excluded.items()} for s in (before, after)]
    return changes + _differences(told[0], told[1])


def _differences(before: dict[str, Any], after: dict[str, Any]) -> list[Change]:  # JSON
    return [
        Change(key, _shown(before.get(key)), _shown(after.get(key)))
        for key in sorted({*before, *after})
        if before.get(key) != after.get(key)
    ]


def _shown(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "–"
    return "–" if value is None else str(value)
