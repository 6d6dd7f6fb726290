"""An Atom feed of what changed in a board's order."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from itertools import pairwise

from django.contrib.syndication.views import Feed
from django.http import HttpRequest
from django.urls import reverse
from django.utils.feedgenerator import Atom1Feed
from django.utils.html import escape
from django.utils.translation import gettext as _

from leaderboard.comparing import Comparison, Move, compare_snapshots
from leaderboard.models import Board
from leaderboard.views.asking import visible_board

ENTRIES = 20
LOOKED_AT = 60


@dataclass(frozen=True, slots=True)
class RankChange:
    """A snapshot after which the order is another one."""

    board: Board
    comparison: Comparison

    @property
    def moves(self) -> list[Move]:
        return [move for move in self.comparison.moves if move.rank_change != 0]


def rank_changes(board: Board) -> list[RankChange]:
    """The newest snapshots that changed a rank, newest first."""
    snapshots = list(board.snapshots.filter(slice_key="").order_by("-number")[:LOOKED_AT])
    changes = [
        RankChange(board, compare_snapshots(before, after)) for after, before in pairwise(snapshots)
    ]
    return [change for change in changes if change.moves][:ENTRIES]


class RankFeed(Feed[RankChange, Board]):
    """Rank changes of one board."""

    feed_type = Atom1Feed

    def get_object(self, request: HttpRequest, slug: str) -> Board:
        return visible_board(request, slug)

    def title(self, board: Board) -> str:
        return _("%(board)s: rank changes") % {"board": _(board.title)}

    def link(self, board: Board) -> str:
        return reverse("board_detail", args=[board.slug])

    def description(self, board: Board) -> str:
        return board.description

    def items(self, board: Board) -> list[RankChange]:
        return rank_changes(board)

    def item_title(self, item: RankChange) -> str:
        leader = next(move for move in item.comparison.moves if move.after)
        return _("Snapshot %(number)s: %(n)s models moved, %(leader)s leads") % {
            "number": item.comparison.after.number,
            "n": len(item.moves),
            "leader": escape(leader.model.display_name),
        }

    def item_description(self, item: RankChange) -> str:
        return "; ".join(_told(move) for move in item.moves)

    def item_link(self, item: RankChange) -> str:
        before, after = item.comparison.before, item.comparison.after
        address = reverse("board_compare", args=[item.board.slug])
        return f"{address}?from={before.number}&to={after.number}"

    def item_guid(self, item: RankChange) -> str:
        return f"{item.board.slug}:{item.comparison.after.number}"

    def item_pubdate(self, item: RankChange) -> dt.datetime:
        return item.comparison.after.created_at

    item_updateddate = item_pubdate
    item_guid_is_permalink = False


def _told(move: Move) -> str:
    name = escape(move.model.display_name)
    if move.before is None or move.after is None:
        words = _("%(name)s joined") if move.after else _("%(name)s left")
        return words % {"name": name}
    return _("%(name)s from rank %(before)s to %(after)s") % {
        "name": name,
        "before": move.before.rank,
        "after": move.after.rank,
    }
