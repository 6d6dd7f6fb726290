"""A board's past: its snapshots, two of them compared, and a feed of rank changes."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from leaderboard.comparing import compare_snapshots
from leaderboard.models import Board, Snapshot
from leaderboard.views.asking import visible_board

SNAPSHOTS_PER_PAGE = 50


@require_safe
def board_history(request: HttpRequest, slug: str) -> HttpResponse:
    """Every numbered snapshot, newest first."""
    board = visible_board(request, slug)
    snapshots = board.snapshots.filter(slice_key="").defer("diagnostics", "facets", "query")
    pages = Paginator(snapshots.order_by("-number"), SNAPSHOTS_PER_PAGE)
    context = {"board": board, "snapshots": pages.get_page(request.GET.get("page"))}
    return render(request, "leaderboard/history.html", context)


@require_safe
def board_compare(request: HttpRequest, slug: str) -> HttpResponse:
    """What moved from one snapshot to another and why; by default the newest two."""
    board = visible_board(request, slug)
    newest = list(board.snapshots.filter(slice_key="").values_list("number", flat=True)[:2])
    if not newest:
        raise Http404
    after = _numbered(board, request.GET.get("to", ""), newest[0])
    before = _numbered(board, request.GET.get("from", ""), newest[-1])
    context = {"board": board, "comparison": compare_snapshots(before, after)}
    return render(request, "leaderboard/compare.html", context)


def _numbered(board: Board, given: str, default: int) -> Snapshot:
    number = int(given) if given.isdecimal() else default
    snapshot = board.snapshots.filter(slice_key="", number=number).first()
    if snapshot is None:
        raise Http404
    return snapshot
