"""Public pages of the leaderboard; each view authorises, parses, asks one selector, renders."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from arena.models import LanguageModel
from leaderboard.board_page import BoardPage, board_page
from leaderboard.head_to_head import head_to_head_page
from leaderboard.models import Board
from leaderboard.selectors import board_charts, rating_rows, snapshot_as_json
from leaderboard.services import latest_snapshot
from leaderboard.slices import SLICE_KEYS, board_query
from leaderboard.tables import board_csv

BATTLES_PER_PAGE = 25


def _visible_board(request: HttpRequest, slug: str) -> Board:
    boards = Board.objects.all() if request.user.is_staff else Board.objects.filter(is_public=True)
    return get_object_or_404(boards, slug=slug)


def _overrides(request: HttpRequest) -> dict[str, str]:
    return {key: value for key in SLICE_KEYS if (value := request.GET.get(key, ""))}


def _page(request: HttpRequest, slug: str) -> BoardPage:
    number = request.GET.get("snapshot", "")
    return board_page(
        _visible_board(request, slug),
        _overrides(request),
        number=int(number) if number.isdigit() else None,
    )


@require_safe
def board_list(request: HttpRequest) -> HttpResponse:
    boards = Board.objects.all() if request.user.is_staff else Board.objects.filter(is_public=True)
    shown = [(board, latest_snapshot(board)) for board in boards]
    return render(request, "leaderboard/board_list.html", {"boards": shown})


@require_safe
def board_detail(request: HttpRequest, slug: str) -> HttpResponse:
    """The board; htmx asks for the same table when a filter changes."""
    page = _page(request, slug)
    is_partial = request.headers.get("HX-Target") == "board-table"
    template = "leaderboard/_board_table.html" if is_partial else "leaderboard/board.html"
    return render(request, template, {"page": page, "board": page.board})


@require_safe
def board_charts_fragment(request: HttpRequest, slug: str) -> HttpResponse:
    page = _page(request, slug)
    if page.snapshot is None:
        raise Http404
    charts = board_charts(page.snapshot, rating_rows(page.snapshot))
    return render(
        request,
        "leaderboard/_charts.html",
        {"charts": [chart.as_context() for chart in charts], "board": page.board},
    )


@require_safe
def board_json(request: HttpRequest, slug: str) -> HttpResponse:
    page = _page(request, slug)
    if page.snapshot is None:
        return JsonResponse({"error": f"board {slug!r} has no snapshot yet"}, status=404)
    return JsonResponse(
        snapshot_as_json(page.snapshot, rating_rows(page.snapshot)),
        json_dumps_params={"ensure_ascii": False, "indent": 2},
    )


@require_safe
def board_csv_file(request: HttpRequest, slug: str) -> HttpResponse:
    page = _page(request, slug)
    if page.snapshot is None:
        raise Http404
    name = f"{page.board.slug}-{page.snapshot.number}.csv"
    return HttpResponse(
        board_csv(rating_rows(page.snapshot)),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@require_safe
def head_to_head(request: HttpRequest, slug: str, model_a: str, model_b: str) -> HttpResponse:
    """The battles behind one cell of the win matrix."""
    board = _visible_board(request, slug)
    first = get_object_or_404(LanguageModel, slug=model_a)
    second = get_object_or_404(LanguageModel, slug=model_b)
    if first == second:
        raise Http404
    context: dict[str, Any] = head_to_head_page(board, _overrides(request), first, second)
    pages = Paginator(context.pop("battles"), BATTLES_PER_PAGE)
    context["battle_page"] = pages.get_page(request.GET.get("page"))
    context["filters_query"] = board_query(board, _overrides(request))
    return render(request, "leaderboard/head_to_head.html", context)
