"""The single votes and judgments behind a statement on a board."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, overload

from arena.models import Battle, Vote
from judging.models import Judgment
from leaderboard.models import Evidence, Snapshot

RowKey = tuple[str, int]


@dataclass(frozen=True, slots=True)
class ListedRow:
    """A vote or a judgment; ``battle`` is None for a single score."""

    kind: str
    pk: int
    battle: Battle | None
    outcome: str
    decider: str
    created_at: dt.datetime


class RowList(Sequence[ListedRow]):
    """Rows named by kind and id, fetched a page at a time."""

    def __init__(self, keys: Sequence[RowKey]) -> None:
        self._keys = keys

    def __len__(self) -> int:
        return len(self._keys)

    @overload
    def __getitem__(self, place: int) -> ListedRow: ...
    @overload
    def __getitem__(self, place: slice) -> list[ListedRow]: ...
    def __getitem__(self, place: int | slice) -> ListedRow | list[ListedRow]:
        if isinstance(place, int):
            return _fetched(self._keys[place : place + 1])[0]
        return _fetched(self._keys[place])


def decisive_rows(snapshot: Snapshot) -> RowList:
    """The rows whose removal would change rank 1, the weightiest first."""
    found = _evidence(snapshot, "examination").get("influence", {})
    return RowList([(kind, pk) for kind, pk in found.get("decisive", [])])


def left_out_rows(snapshot: Snapshot, reason: str) -> RowList:
    """The newest rows that do not count for ``reason``."""
    listed = _evidence(snapshot, "left_out")
    return RowList(
        [
            (kind, pk)
            for source in ("vote", "judgment")
            for kind, pk in listed.get(f"{source}:{reason}", [])
        ]
    )


def _evidence(snapshot: Snapshot, column: str) -> dict[str, Any]:  # JSON
    values = Evidence.objects.filter(snapshot=snapshot).values_list(column, flat=True).first()
    return dict(values or {})


def _fetched(keys: Sequence[RowKey]) -> list[ListedRow]:
    votes = Vote.objects.filter(id__in=[pk for kind, pk in keys if kind == "vote"])
    judgments = Judgment.objects.filter(id__in=[pk for kind, pk in keys if kind == "judgment"])
    battle = ("battle__model_a", "battle__model_b", "battle__question")
    found: dict[RowKey, ListedRow] = {}
    for vote in votes.select_related(*battle):
        found["vote", vote.pk] = ListedRow(
            "vote", vote.pk, vote.battle, vote.outcome, "", vote.created_at
        )
    for judgment in judgments.select_related(*battle, "judge").defer("raw_text", "prompt"):
        found["judgment", judgment.pk] = ListedRow(
            "judgment", judgment.pk, judgment.battle, judgment.outcome, str(judgment.judge),
            judgment.created_at,
        )  # fmt: skip
    return [found[key] for key in keys if key in found]
