"""What the page of one board shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from arena.models import CommercialUse, Exclusion
from leaderboard.models import Board, Rating, Snapshot
from leaderboard.ratings import METHODS
from leaderboard.scale import Scale, shared_scale
from leaderboard.selectors import Filter, board_filters, rating_rows
from leaderboard.services import NoDataError, latest_snapshot, slice_key, take_snapshot

# a slice of a small board is fitted while the reader waits; beyond that a worker does it
FITTED_AT_ONCE = 100_000

LEFT_OUT_LABELS = {
    "dry_run": _("dry-run verdicts"),
    "judge_failed": _("judgments that failed"),
    "not_judged_yet": _("judgments not made yet"),
    "unreadable_verdict": _("unreadable verdicts"),
} | {reason.value: reason.label for reason in Exclusion}

COMMERCIAL_BADGES = {
    CommercialUse.ALLOWED: "commercial",
    CommercialUse.CONDITIONAL: "conditional",
    CommercialUse.FORBIDDEN: "noncommercial",
}


@dataclass(frozen=True, slots=True)
class BoardLine:
    """A rating with its place on the column's shared scale, in percent."""

    rating: Rating
    position: float
    left: float | None
    right: float | None
    commercial_badge: str

    @property
    def is_provisional(self) -> bool:
        return bool(self.rating.details.get("is_provisional"))

    @property
    def words(self) -> str:
        """The interval bar for those who listen."""
        row = self.rating
        if row.rating_lower is None or row.rating_upper is None:
            return f"{row.rating:.1f}"
        return gettext("%(rating)s, 95 %% interval from %(lower)s to %(upper)s") % {
            "rating": f"{row.rating:.1f}",
            "lower": f"{row.rating_lower:.1f}",
            "upper": f"{row.rating_upper:.1f}",
        }

    @property
    def group(self) -> int:
        return int(self.rating.details.get("component", 0))


@dataclass(frozen=True, slots=True)
class Tick:
    value: float
    position: float


@dataclass(frozen=True, slots=True)
class BoardPage:
    """``is_pending``: the slice is large and a worker is fitting it right now."""

    board: Board
    snapshot: Snapshot | None
    lines: list[BoardLine]
    ticks: list[Tick]
    filters: list[Filter]
    left_out: list[tuple[str, int]]
    overrides: dict[str, str]
    is_pending: bool
    numbers: list[int]

    @property
    def query_string(self) -> str:
        return urlencode(self.overrides)

    @property
    def method_label(self) -> str:
        return METHODS.get(self.snapshot.method).label if self.snapshot else ""

    @property
    def method_description(self) -> str:
        return METHODS.get(self.snapshot.method).description if self.snapshot else ""

    @property
    def group_count(self) -> int:
        return len({line.group for line in self.lines})


def board_page(
    board: Board, overrides: Mapping[str, str], *, number: int | None = None
) -> BoardPage:
    """The newest snapshot of the board or of a slice; a missing slice is fitted when small."""
    filters = board_filters(board, overrides)
    known = {menu.key: {choice.value for choice in menu.choices} for menu in filters}
    chosen = {key: value for key, value in overrides.items() if value in known.get(key, set())}
    snapshot, is_pending = _snapshot(board, chosen, number)
    rows = rating_rows(snapshot) if snapshot else []
    lines, ticks = scaled_lines(rows)
    numbers = board.snapshots.filter(slice_key="").values_list("number", flat=True)
    return BoardPage(
        board=board,
        snapshot=snapshot,
        lines=lines,
        ticks=ticks,
        filters=filters,
        left_out=_left_out(snapshot),
        overrides=chosen,
        is_pending=is_pending,
        numbers=list(numbers[:20]),
    )


def scaled_lines(rows: Sequence[Rating]) -> tuple[list[BoardLine], list[Tick]]:
    """Ratings on the scale that they share, and the scale's marks."""
    scale = _scale(rows)
    ticks = [Tick(value, scale.percent(value)) for value in scale.ticks]
    return [_line(row, scale) for row in rows], ticks


def _snapshot(
    board: Board, overrides: Mapping[str, str], number: int | None
) -> tuple[Snapshot | None, bool]:
    key = slice_key(overrides)
    if number is not None:
        return board.snapshots.filter(number=number, slice_key=key).first(), False
    main = latest_snapshot(board)
    if not key or main is None:
        return main, False
    there = latest_snapshot(board, key)
    if there is not None and there.number == main.number:
        return there, False
    if main.battles > FITTED_AT_ONCE:
        from leaderboard.tasks import fit_slice

        fit_slice.delay(board.pk, dict(overrides))
        return there, True
    try:
        return take_snapshot(board=board, overrides=overrides, number=main.number), False
    except NoDataError:
        return None, False


def _scale(rows: Sequence[Rating]) -> Scale:
    ends = [
        value
        for row in rows
        for value in (row.rating, row.rating_lower, row.rating_upper)
        if value is not None
    ]
    return shared_scale(ends)


def _line(row: Rating, scale: Scale) -> BoardLine:
    license_ = row.model.license
    use = license_.commercial_use if license_ else ""
    return BoardLine(
        rating=row,
        position=scale.percent(row.rating),
        left=None if row.rating_lower is None else scale.percent(row.rating_lower),
        right=None if row.rating_upper is None else scale.percent(row.rating_upper),
        commercial_badge=next((b for u, b in COMMERCIAL_BADGES.items() if u == use), ""),
    )


def _left_out(snapshot: Snapshot | None) -> list[tuple[str, int]]:
    if snapshot is None:
        return []
    return [
        (str(LEFT_OUT_LABELS.get(reason, reason.replace("_", " "))), count)
        for reason, count in sorted(snapshot.excluded.items(), key=lambda item: -item[1])
    ]
