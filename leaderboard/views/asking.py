"""What an address asks of a board."""

from __future__ import annotations

from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404

from leaderboard.board_page import BoardPage, Request, board_page
from leaderboard.models import Board, Snapshot
from leaderboard.slices import SLICE_KEYS

MOST_COLUMNS, KEY_LENGTH = 50, 40  # of an address


def visible_board(request: HttpRequest, slug: str) -> Board:
    """A public board, or any for staff; 404 otherwise."""
    boards = Board.objects.all() if request.user.is_staff else Board.objects.filter(is_public=True)
    return get_object_or_404(boards, slug=slug)


def overrides(request: HttpRequest) -> dict[str, str]:
    return {key: value for key in SLICE_KEYS if (value := request.GET.get(key, ""))}


def asked_page(request: HttpRequest, slug: str) -> BoardPage:
    number = request.GET.get("snapshot", "")
    return board_page(
        visible_board(request, slug),
        Request(
            overrides=overrides(request),
            number=int(number) if number.isdecimal() else None,
            search=request.GET.get("q", "")[:100],
            is_commercial=request.GET.get("commercial") == "1",
            columns=_columns(request),
        ),
    )


def _columns(request: HttpRequest) -> tuple[str, ...] | None:
    keys = request.GET.getlist("column")[:MOST_COLUMNS]
    return tuple(key[:KEY_LENGTH] for key in keys) or None


def asked_snapshot(request: HttpRequest, slug: str) -> tuple[BoardPage, Snapshot]:
    """The page with its snapshot; 404 where there is none yet."""
    page = asked_page(request, slug)
    if page.snapshot is None:
        raise Http404
    return page, page.snapshot
