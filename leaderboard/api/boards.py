"""Boards, snapshots, ratings and pairs."""

from __future__ import annotations

from typing import Annotated, Any

from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Router
from ninja.pagination import paginate
from ninja.params import functions as param

from leaderboard.api.pages import LARGEST_NUMBER, Pages
from leaderboard.api.schemas import BoardOut, PairOut, Problem, RatingOut, Refusal, SnapshotOut
from leaderboard.models import Board, Rating, Snapshot
from leaderboard.selectors import board_cards, pair_counts, rating_as_json, rating_rows

router = Router()


def _board(slug: str) -> Board:
    # PostgreSQL cannot hold, nor compare with, a text that contains a zero byte
    return get_object_or_404(Board, slug=slug.replace("\x00", ""), is_public=True)


def _snapshot(slug: str, number: int, key: str) -> Snapshot:
    if not 0 < number <= LARGEST_NUMBER:
        raise Http404
    snapshots = _board(slug).snapshots.select_related("board")
    return get_object_or_404(snapshots, number=number, slice_key=key.replace("\x00", ""))


def _as_board(board: Board, newest: Snapshot | None) -> dict[str, Any]:
    columns = ("slug", "title", "description", "method", "options", "query", "seed", "is_live",
               "is_demo")  # fmt: skip
    values = {name: getattr(board, name) for name in columns}
    return {**values, "latest_snapshot": newest.number if newest else None}


@router.get("", response=list[BoardOut], summary="All public boards")
def list_boards(request: HttpRequest) -> list[dict[str, Any]]:
    return [_as_board(board, newest) for board, newest in board_cards(with_private=False)]


@router.get("/{slug}", response={200: BoardOut, 404: Problem, 422: Refusal}, summary="One board")
def get_board(request: HttpRequest, slug: str) -> dict[str, Any]:
    board = _board(slug)
    return _as_board(board, board.snapshots.filter(slice_key="").order_by("-number").first())


@router.get(
    "/{slug}/snapshots",
    response={200: list[SnapshotOut], 404: Problem, 422: Refusal},
    summary="A board's snapshots, newest first",
)
@paginate(Pages)
def list_snapshots(request: HttpRequest, slug: str) -> QuerySet[Snapshot]:
    return _board(slug).snapshots.filter(slice_key="").order_by("-number")


Slice = Annotated[
    str,
    param.Query(alias="slice", max_length=300, description="A slice's key, such as category=math."),
]


@router.get(
    "/{slug}/snapshots/{number}",
    response={200: SnapshotOut, 404: Problem, 422: Refusal},
    summary="One snapshot",
)
def get_snapshot(request: HttpRequest, slug: str, number: int, key: Slice = "") -> Snapshot:
    return _snapshot(slug, number, key)


@router.get(
    "/{slug}/snapshots/{number}/ratings",
    response={200: list[RatingOut], 404: Problem, 422: Refusal},
    summary="Every model's rating, best first",
)
def list_ratings(
    request: HttpRequest, slug: str, number: int, key: Slice = ""
) -> list[dict[str, Any]]:
    rows: list[Rating] = rating_rows(_snapshot(slug, number, key))
    return [rating_as_json(row) for row in rows]


@router.get(
    "/{slug}/snapshots/{number}/pairs",
    response={200: list[PairOut], 404: Problem, 422: Refusal},
    summary="Battles and outcomes per pair of models",
)
def list_pairs(request: HttpRequest, slug: str, number: int, key: Slice = "") -> list[Any]:
    return list(pair_counts(_snapshot(slug, number, key)))
