"""What the boards have to say on the first page and on a model's page."""

from __future__ import annotations

from django.db.models import Count, Exists, OuterRef, Subquery
from django.http import HttpRequest

from arena.models import LanguageModel
from arena.panels import Panel, register_page_panel
from leaderboard import personal  # noqa: F401  # registers its panel
from leaderboard.board_page import scaled_lines
from leaderboard.models import Board, Rating, Snapshot
from leaderboard.selectors import rating_rows
from leaderboard.services import latest_snapshot

MODELS_ON_FIRST_PAGE = 6


@register_page_panel("home", position=10)
def head_of_first_board(_subject: None, _request: HttpRequest) -> Panel | None:
    """The best models of the first public board that ranks any; a new arena's is the demo's."""
    ranked = Exists(Snapshot.objects.filter(board=OuterRef("pk"), slice_key=""))
    board = Board.objects.filter(ranked, is_public=True).first()
    snapshot = latest_snapshot(board) if board else None
    if board is None or snapshot is None:
        return None
    lines, ticks = scaled_lines(rating_rows(snapshot)[:MODELS_ON_FIRST_PAGE])
    context = {"board": board, "snapshot": snapshot, "lines": lines, "ticks": ticks}
    return Panel("leaderboard/_home_board.html", context)


@register_page_panel("model_detail", position=10)
def ratings_of_model(model: LanguageModel, _request: HttpRequest) -> Panel | None:
    """The model's line on the newest snapshot of every public board: one query."""
    newest = Snapshot.objects.filter(board=OuterRef("snapshot__board"), slice_key="")
    ratings = (
        Rating.objects.filter(
            model=model,
            snapshot__board__is_public=True,
            snapshot=Subquery(newest.order_by("-number").values("pk")[:1]),
        )
        .select_related("snapshot__board")
        .annotate(n_models=Count("snapshot__ratings"))
        .order_by("snapshot__board__position", "snapshot__board__slug")
    )
    rows = list(ratings)
    return Panel("leaderboard/_model_ratings.html", {"ratings": rows}) if rows else None
