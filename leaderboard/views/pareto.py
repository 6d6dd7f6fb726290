"""The Pareto page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Exists, OuterRef, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from arena.templatetags.text import translated
from leaderboard.benchmark_columns import BenchmarkColumn, benchmark_columns
from leaderboard.models import Board, Snapshot
from leaderboard.pareto import AXES, Axis, Line, pareto_chart, pareto_lines, pareto_points
from leaderboard.pareto_quality import Quality, quality_of_benchmark, quality_of_board
from leaderboard.services import latest_snapshot

BENCHMARK: Final = "benchmark:"
"""Stands before a benchmark's key where a board's slug would stand; no slug has a colon."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One entry of the menu of qualities."""

    value: str
    label: str
    is_chosen: bool


@require_safe
def pareto_page(request: HttpRequest) -> HttpResponse:
    """The page; quality is a public board (people's votes, judges) or a benchmark's scores."""
    boards = Board.objects.all() if request.user.is_staff else Board.objects.filter(is_public=True)
    fitted = Snapshot.objects.filter(board=OuterRef("pk"), slice_key="")
    boards = boards.annotate(is_fitted=Exists(fitted))
    columns = benchmark_columns()
    wanted = request.GET.get("board", "")
    chosen, quality = _chosen_quality(boards, columns, wanted)
    lines = pareto_lines(quality.subjects) if quality else []
    axis = _chosen_axis(request.GET.get("axis", ""), lines)
    points = pareto_points(lines, axis, quality) if quality else []
    context = {
        "boards": [Choice(b.slug, translated(b.title), b.slug == chosen) for b in boards],
        "benchmarks": [
            Choice(BENCHMARK + c.key, f"{c.title} ({c.way})", BENCHMARK + c.key == chosen)
            for c in columns
        ],
        "axes": AXES,
        "axis": axis,
        "quality": quality,
        "is_board": not chosen.startswith(BENCHMARK),
        "lines": lines,
        "points": points,
        "chart": pareto_chart(points, axis, quality.label) if quality and points else None,
    }
    return render(request, "leaderboard/pareto.html", context)


def _chosen_axis(name: str, lines: Sequence[Line]) -> Axis:
    """The axis called ``name``, else the first that most of the lines have a figure on."""
    named = next((axis for axis in AXES if axis.name == name), None)
    if named is not None:
        return named
    return max(AXES, key=lambda axis: sum(axis.read(line) is not None for line in lines))


def _chosen_quality(
    boards: QuerySet[Any], columns: Sequence[BenchmarkColumn], wanted: str
) -> tuple[str, Quality | None]:
    """The menu's value and what it stands for; 404 for what is not there."""
    if wanted.startswith(BENCHMARK):
        for column in columns:
            if BENCHMARK + column.key == wanted:
                return wanted, quality_of_benchmark(column)
        raise Http404
    usual = sorted(boards, key=lambda board: not board.is_fitted)  # the first that has ratings
    board = next((board for board in usual if wanted in ("", board.slug)), None)
    if board is None:
        if wanted:
            raise Http404
        return "", None
    snapshot = latest_snapshot(board)
    return board.slug, quality_of_board(snapshot) if snapshot else None
