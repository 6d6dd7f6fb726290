"""What the page of one board shows."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django.core.cache import cache
from django.utils.translation import gettext, gettext_noop

from arena.models import CommercialUse
from leaderboard.explaining import (
    LeftOut,
    StyleEffect,
    findings,
    influence_sentence,
    left_out,
    method_sentence,
    prior_sentence,
    style_effects,
)
from leaderboard.filters import Filter, Switch, board_menus, board_switches, known_choices
from leaderboard.models import Board, LiveState, Rating, Snapshot
from leaderboard.ratings import METHODS, RatingError
from leaderboard.scale import Scale, shared_scale
from leaderboard.selectors import rating_rows
from leaderboard.services import NoDataError, latest_snapshot, take_snapshot
from leaderboard.slices import BoardError, slice_key

# a slice of a small board is fitted while the reader waits; beyond that a worker does it
FITTED_AT_ONCE = 20_000
ASKED_AGAIN_AFTER_S = 300
NUMBERS_SHOWN = 20

INTERVAL_WORDS = gettext_noop("%(rating)s, 95 %% interval from %(lower)s to %(upper)s")
COMMERCIAL_BADGES = {
    CommercialUse.ALLOWED: "commercial",
    CommercialUse.CONDITIONAL: "conditional",
    CommercialUse.FORBIDDEN: "noncommercial",
}


@dataclass(frozen=True, slots=True)
class Request:
    """What a reader asks of a board: a slice, a snapshot, which lines and columns to show.

    ``columns`` are the keys of columns beside the ratings, None for the usual ones.
    """

    overrides: Mapping[str, str] = field(default_factory=dict)
    number: int | None = None
    search: str = ""
    is_commercial: bool = False
    columns: tuple[str, ...] | None = None

    @property
    def view(self) -> list[tuple[str, str]]:
        """The part of the address that changes what is shown, not what is computed."""
        pairs = [("q", self.search)] if self.search else []
        if self.is_commercial:
            pairs.append(("commercial", "1"))
        return pairs + [("column", key) for key in self.columns or ()]


@dataclass(frozen=True, slots=True)
class BoardLine:
    """A rating as it is shown: live where the board is, on the column's shared scale."""

    row: Rating
    rank: int
    rating: float
    lower: float | None
    upper: float | None
    battles: int
    position: float
    left: float | None
    right: float | None

    @property
    def is_provisional(self) -> bool:
        return bool(self.row.details.get("is_provisional"))

    @property
    def group(self) -> int:
        return int(self.row.details.get("component", 0))

    @property
    def best(self) -> int:
        return min(self.row.rank_lower, self.rank)

    @property
    def worst(self) -> int:
        return max(self.row.rank_upper, self.rank)

    @property
    def probability_best(self) -> float | None:
        chance: float | None = self.row.details.get("probability_best")
        return chance

    @property
    def rank_set(self) -> list[int] | None:
        """Best and worst rank that hold for all models at once."""
        both: list[int] | None = self.row.details.get("rank_set")
        return both

    @property
    def commercial_badge(self) -> str:
        license_ = self.row.model.license
        use = license_.commercial_use if license_ else ""
        return next((badge for known, badge in COMMERCIAL_BADGES.items() if known == use), "")

    @property
    def words(self) -> str:
        """The interval bar for those who listen."""
        return self.words_by(gettext(INTERVAL_WORDS))

    def words_by(self, pattern: str) -> str:
        """The same by the translated pattern, which hundreds of lines look up once."""
        if self.lower is None or self.upper is None:
            return f"{self.rating:.1f}"
        return pattern % {
            "rating": f"{self.rating:.1f}",
            "lower": f"{self.lower:.1f}",
            "upper": f"{self.upper:.1f}",
        }


@dataclass(frozen=True, slots=True)
class Tick:
    value: float
    position: float


@dataclass(frozen=True)
class BoardPage:
    """``is_pending``: the slice is large and a worker is fitting it right now.

    ``problem`` says why there is no snapshot although there are rows to count.
    ``live`` is set when votes have come since the snapshot and the ratings count them.
    ``model_ids`` are those of all rated models, whether their lines are wanted or not, ``names``
    what they are called, by slug.
    """

    board: Board
    snapshot: Snapshot | None
    lines: list[BoardLine]
    ticks: list[Tick]
    filters: list[Filter]
    switches: list[Switch]
    asked: Request
    is_pending: bool
    numbers: list[int]
    live: LiveState | None
    model_ids: list[int] = field(default_factory=list)
    names: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""

    @property
    def overrides(self) -> Mapping[str, str]:
        return self.asked.overrides

    @property
    def query_string(self) -> str:
        """The slice and the snapshot, for addresses of the same data in another form."""
        number = {"snapshot": self.asked.number} if self.asked.number else {}
        return urlencode({**self.overrides, **number})

    @property
    def method_label(self) -> str:
        return gettext(METHODS.get(self.snapshot.method).label) if self.snapshot else ""

    @property
    def method_words(self) -> str:
        return method_sentence(self.snapshot, self.overrides) if self.snapshot else ""

    @property
    def prior_words(self) -> str:
        return prior_sentence(self.snapshot, self.names) if self.snapshot else ""

    @property
    def style_effects(self) -> list[StyleEffect]:
        return style_effects(self.snapshot) if self.snapshot else []

    @property
    def calibration(self) -> dict[str, Any]:  # JSON of the method's diagnostics
        return self.snapshot.diagnostics.get("calibration", {}) if self.snapshot else {}

    @cached_property
    def findings(self) -> dict[str, Any]:  # JSON of the examination
        return findings(self.snapshot) if self.snapshot else {}

    @property
    def influence_words(self) -> str:
        return influence_sentence(self.findings, self.names)

    @property
    def left_out(self) -> list[LeftOut]:
        return left_out(self.snapshot)

    @cached_property
    def has_prices(self) -> bool:
        return any(line.row.model.price_out_per_mtok is not None for line in self.lines)

    @property
    def group_count(self) -> int:
        components = self.snapshot.diagnostics.get("components", []) if self.snapshot else []
        return len(components)

    @property
    def as_of(self) -> dt.datetime | None:
        return self.live.updated_at if self.live else None


def board_page(board: Board, asked: Request) -> BoardPage:
    """The newest snapshot of the board or of a slice; a missing slice is fitted when small."""
    main = latest_snapshot(board)
    chosen = known_choices(board, main, asked.overrides)
    snapshot, is_pending, problem = _snapshot(board, main, chosen, asked.number)
    live = _live(board, snapshot) if not chosen and not asked.number else None
    rows = rating_rows(snapshot) if snapshot else []
    numbers = board.snapshots.filter(slice_key="").values_list("number", flat=True)
    lines, scale = _lines(rows, live)
    return BoardPage(
        board=board,
        snapshot=snapshot,
        lines=[line for line in lines if _is_wanted(line.row, asked)],
        ticks=_ticks(scale),
        filters=board_menus(board, main, chosen),
        switches=board_switches(board, chosen, asked.view),
        asked=replace(asked, overrides=chosen),
        is_pending=is_pending,
        numbers=list(numbers[:NUMBERS_SHOWN]),
        live=live,
        model_ids=[row.model_id for row in rows],
        names={row.model.slug: row.model.display_name for row in rows},
        problem=problem,
    )


def scaled_lines(rows: Sequence[Rating]) -> tuple[list[BoardLine], list[Tick]]:
    """Ratings on the scale that they share, and the scale's marks."""
    lines, scale = _lines(rows, None)
    return lines, _ticks(scale)


def _ticks(scale: Scale) -> list[Tick]:
    return [Tick(value, scale.percent(value)) for value in scale.ticks]


def _snapshot(
    board: Board, main: Snapshot | None, chosen: Mapping[str, str], number: int | None
) -> tuple[Snapshot | None, bool, str]:
    """The snapshot, whether a worker is at it, and why there is none where rows are counted."""
    key = slice_key(chosen)
    if number is not None:
        return board.snapshots.filter(number=number, slice_key=key).first(), False, ""
    if not key or main is None:
        return main, False, ""
    there = latest_snapshot(board, key)
    if there is not None and there.number == main.number:
        return there, False, ""
    if main.battles > FITTED_AT_ONCE:
        ask_for_slice(board, main, chosen)
        return there, True, ""
    taken, problem = _taken(board, main, chosen)
    return taken, False, problem


def _taken(board: Board, main: Snapshot, chosen: Mapping[str, str]) -> tuple[Snapshot | None, str]:
    try:
        return take_snapshot(board=board, overrides=chosen, number=main.number), ""
    except NoDataError:
        return None, ""
    except (BoardError, RatingError) as error:
        return None, str(error)


def ask_for_slice(board: Board, main: Snapshot, chosen: Mapping[str, str]) -> None:
    """Let a worker fit a slice; readers who ask meanwhile wait for the same work."""
    if cache.add(f"slice:{main.pk}:{slice_key(chosen)}", True, ASKED_AGAIN_AFTER_S):
        from leaderboard.tasks import fit_slice

        fit_slice.delay(board.pk, dict(chosen))


def _live(board: Board, snapshot: Snapshot | None) -> LiveState | None:
    if not board.is_live or snapshot is None:
        return None
    live = LiveState.objects.filter(board=board, snapshot=snapshot, added__gt=0)
    state = live.defer("totals", "waiting", "absent_votes", "marks").first()
    return state if state and state.ratings else None


def _is_wanted(row: Rating, asked: Request) -> bool:
    model = row.model
    if asked.is_commercial and not (model.license and model.license.is_commercially_usable):
        return False
    words = f"{model.display_name} {model.slug} {model.organisation}".casefold()
    return all(word in words for word in asked.search.casefold().split())


def _lines(rows: Sequence[Rating], live: LiveState | None) -> tuple[list[BoardLine], Scale]:
    """Live ratings move their interval along; its width is the snapshot's until the next."""
    now: dict[str, list[float]] = live.ratings if live else {}
    moved = []
    for row in rows:
        rating, battles = now.get(row.model.slug, (row.rating, row.battles))
        shift = rating - row.rating
        lower = None if row.rating_lower is None else row.rating_lower + shift
        upper = None if row.rating_upper is None else row.rating_upper + shift
        moved.append((row, rating, lower, upper, int(battles)))
    ends = [end for _, *ends, _ in moved for end in ends if end is not None]
    scale = shared_scale(ends)
    ranks = _ranks(moved)
    lines = [
        BoardLine(
            row=row,
            rank=ranks[row.pk] if live else row.rank,
            rating=rating,
            lower=lower,
            upper=upper,
            battles=battles,
            position=scale.percent(rating),
            left=None if lower is None else scale.percent(lower),
            right=None if upper is None else scale.percent(upper),
        )
        for row, rating, lower, upper, battles in moved
    ]
    return sorted(lines, key=lambda line: (line.group, -line.rating)), scale


def _ranks(
    moved: Sequence[tuple[Rating, float, float | None, float | None, int]],
) -> dict[int, int]:
    """One plus the models of the same group that are rated higher, by the rating's id."""
    groups: dict[int, list[float]] = defaultdict(list)
    for row, rating, *_ in moved:
        groups[row.details.get("component", 0)].append(-rating)
    for negated in groups.values():
        negated.sort()
    return {
        row.pk: 1 + bisect_left(groups[row.details.get("component", 0)], -rating)
        for row, rating, *_ in moved
    }
