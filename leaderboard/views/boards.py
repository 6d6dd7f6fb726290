"""The boards themselves, their data, and the battles behind them."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from csp.decorators import csp_replace
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.http import require_safe

from arena.models import LanguageModel
from leaderboard.beside import columns_beside
from leaderboard.beside_data import as_json, figures_beside
from leaderboard.bundling import RowsChangedError, bundle_bytes
from leaderboard.charts_page import board_charts
from leaderboard.head_to_head import head_to_head_page
from leaderboard.models import Board
from leaderboard.row_lists import decisive_rows, left_out_rows
from leaderboard.selectors import board_cards, rating_rows, snapshot_as_json
from leaderboard.tables import board_csv
from leaderboard.views.asking import asked_page, asked_snapshot, overrides, visible_board

BATTLES_PER_PAGE = 25
EMBED_LINES = 20
PAIR_CHARTS = ("win_fraction", "battle_count")


@require_safe
def board_list(request: HttpRequest) -> HttpResponse:
    cards = board_cards(with_private=request.user.is_staff)
    return render(request, "leaderboard/board_list.html", {"boards": cards})


@require_safe
def board_detail(request: HttpRequest, slug: str) -> HttpResponse:
    """The board; htmx asks for the same table when a filter changes."""
    page = asked_page(request, slug)
    beside = columns_beside(
        page.model_ids, asked=page.asked.columns, for_staff=request.user.is_staff
    )
    is_partial = request.headers.get("HX-Target") == "board-table"
    template = "leaderboard/_board_table.html" if is_partial else "leaderboard/board.html"
    return render(request, template, {"page": page, "board": page.board, "beside": beside})


@xframe_options_exempt
@csp_replace({"frame-ancestors": ["*"]})  # type: ignore[arg-type]  # its type knows no arguments
@require_safe
def board_embed(request: HttpRequest, slug: str) -> HttpResponse:
    """The board's best lines for another site's frame; the only page that may be framed there."""
    page = asked_page(request, slug)
    context = {"page": page, "board": page.board, "lines": page.lines[:EMBED_LINES]}
    return render(request, "leaderboard/embed.html", context)


@require_safe
def board_charts_fragment(request: HttpRequest, slug: str) -> HttpResponse:
    page, snapshot = asked_snapshot(request, slug)
    charts = [chart.as_context() for chart in board_charts(page.board, snapshot)]
    for chart in charts:
        if chart["key"] in PAIR_CHARTS:
            _link_pairs(chart, page.board)
    return render(request, "leaderboard/_charts.html", {"charts": charts, "board": page.board})


def _link_pairs(chart: dict[str, Any], board: Board) -> None:
    """Make each cell of a matrix of models lead to the battles behind it."""
    # one reverse for all: forty models make 1,600 cells
    pattern = reverse("head_to_head", args=(board.slug, "--first--", "--second--"))
    for row in chart["rows"]:
        first = pattern.replace("--first--", quote(row[0], safe=""))
        for place, name in enumerate(chart["columns"][1:], start=1):
            if text := row[place]:
                href = first.replace("--second--", quote(name, safe=""))
                row[place] = {"text": text, "href": href}


@require_safe
def board_json(request: HttpRequest, slug: str) -> HttpResponse:
    page = asked_page(request, slug)
    if page.snapshot is None:
        return JsonResponse({"error": f"board {slug!r} has no snapshot yet"}, status=404)
    rows = rating_rows(page.snapshot)
    data = snapshot_as_json(page.snapshot, rows)
    if page.asked.columns is not None:
        columns = figures_beside(page.model_ids, page.asked.columns)
        data["beside"] = as_json(columns, {row.model_id: row.model.slug for row in rows})
    return JsonResponse(
        data,
        json_dumps_params={"ensure_ascii": False, "indent": 2},
    )


@require_safe
def board_csv_file(request: HttpRequest, slug: str) -> HttpResponse:
    page, snapshot = asked_snapshot(request, slug)
    name = f"{page.board.slug}-{snapshot.number}.csv"
    beside = figures_beside(page.model_ids, page.asked.columns)
    return HttpResponse(
        board_csv(rating_rows(snapshot), beside),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@require_safe
def head_to_head(request: HttpRequest, slug: str, model_a: str, model_b: str) -> HttpResponse:
    """The battles behind one cell of the win matrix."""
    board = visible_board(request, slug)
    first = get_object_or_404(LanguageModel, slug=model_a)
    second = get_object_or_404(LanguageModel, slug=model_b)
    if first == second:
        raise Http404
    context: dict[str, Any] = head_to_head_page(board, overrides(request), first, second)
    pages = Paginator(context.pop("battles"), BATTLES_PER_PAGE)
    context["battle_page"] = pages.get_page(request.GET.get("page"))
    return render(request, "leaderboard/head_to_head.html", context)


@require_safe
def board_decisive(request: HttpRequest, slug: str) -> HttpResponse:
    """The votes whose removal would change rank 1."""
    page, snapshot = asked_snapshot(request, slug)
    rows = Paginator(decisive_rows(snapshot), BATTLES_PER_PAGE)
    context = {"page": page, "board": page.board, "kind": "decisive",
               "rows": rows.get_page(request.GET.get("page"))}  # fmt: skip
    return render(request, "leaderboard/rows.html", context)


@require_safe
def board_left_out(request: HttpRequest, slug: str, reason: str) -> HttpResponse:
    """The rows that a snapshot does not count for one reason."""
    page, snapshot = asked_snapshot(request, slug)
    item = next((item for item in page.left_out if item.reason == reason), None)
    if item is None:
        raise Http404
    rows = Paginator(left_out_rows(snapshot, reason), BATTLES_PER_PAGE)
    context = {"page": page, "board": page.board, "kind": "left_out", "item": item,
               "rows": rows.get_page(request.GET.get("page"))}  # fmt: skip
    return render(request, "leaderboard/rows.html", context)


@require_safe
def board_bundle(request: HttpRequest, slug: str) -> HttpResponse:
    """All it takes to recompute a snapshot without this installation."""
    page, snapshot = asked_snapshot(request, slug)
    name = f"{page.board.slug}-{snapshot.number}.zip"
    try:
        bundle = bundle_bytes(snapshot)
    except RowsChangedError as error:
        return HttpResponse(str(error), status=409, content_type="text/plain; charset=utf-8")
    return HttpResponse(
        bundle,
        content_type="application/zip",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
