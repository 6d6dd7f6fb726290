"""Fitting boards and storing what came out."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import numpy as np
from django.db import transaction
from django.db.models import Max
from pydantic import ValidationError

from arena import __version__
from arena.models import LanguageModel
from leaderboard.models import Board, Rating, Snapshot
from leaderboard.ratings import METHODS, Comparisons, RatingMethod, Ratings
from leaderboard.selection import BoardQuery, Selection, select_comparisons, select_scores

logger = logging.getLogger(__name__)

AnyMethod = RatingMethod[Any, Any]  # each method has its own data and options

# what a reader may change on a public board without owning it
SLICE_QUERY_KEYS = ("source", "category", "language", "dimension")
_PLURAL = {"category": "categories", "language": "languages", "dimension": "dimensions"}


class BoardError(ValueError):
    """The board's query, method or options do not make sense."""


class NoDataError(ValueError):
    """Nothing that the board counts has been stored yet."""


def slice_key(overrides: Mapping[str, str]) -> str:
    """The canonical name of a slice: its overrides in alphabetical order."""
    return urlencode(sorted((key, value) for key, value in overrides.items() if value))


def board_query(board: Board, overrides: Mapping[str, str] | None = None) -> BoardQuery:
    """The board's query with a slice's overrides; raises BoardError naming the wrong key."""
    values: dict[str, Any] = dict(board.query)  # JSON
    for key in SLICE_QUERY_KEYS:
        if chosen := (overrides or {}).get(key):
            values[_PLURAL.get(key, key)] = [chosen] if key in _PLURAL else chosen
    try:
        return BoardQuery.model_validate(values)
    except ValidationError as error:
        raise BoardError(f"board {board.slug!r}: {_first_problem(error)}") from None


def _first_problem(error: ValidationError) -> str:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{where}: {first['msg']} (got {first.get('input')!r})"


def select(query: BoardQuery, method: AnyMethod) -> Selection:
    """The rows a method needs."""
    return select_scores(query) if method.needs == "scores" else select_comparisons(query)


def fit(selection: Selection, method: AnyMethod, options: Mapping[str, Any], seed: int) -> Ratings:
    """Ratings of a selection; raises NoDataError when it is empty, BoardError on a bad option."""
    data = selection.scores if method.needs == "scores" else selection.comparisons
    if data is None or not len(data):
        raise NoDataError("nothing that this board counts has been stored yet")
    try:
        return method.fit(data, options, seed)
    except ValidationError as error:
        raise BoardError(f"method {method.name!r}: {_first_problem(error)}") from None


def take_snapshot(
    *,
    board: Board,
    overrides: Mapping[str, str] | None = None,
    number: int | None = None,
    method_name: str | None = None,
    options: Mapping[str, Any] | None = None,
) -> Snapshot:
    """Fit the board, or a slice of it, and store the result.

    Without ``number`` this is the board's next snapshot; a slice names the snapshot it joins.
    Raises BoardError, NoDataError, or the method's own error on unusable data.
    """
    name = method_name or board.method
    method = METHODS.get(name)
    chosen = dict(board.options if options is None and name == board.method else options or {})
    query = board_query(board, overrides)
    selection = select(query, method)
    ratings = fit(selection, method, chosen, board.seed)
    fitted = _Fitted(query, name, selection, ratings)
    return _store(board, fitted, overrides=overrides or {}, number=number)


@dataclass(frozen=True, slots=True)
class _Fitted:
    query: BoardQuery
    method_name: str
    selection: Selection
    ratings: Ratings


@transaction.atomic
def _store(
    board: Board, fitted: _Fitted, *, overrides: Mapping[str, str], number: int | None
) -> Snapshot:
    selection, ratings = fitted.selection, fitted.ratings
    # two refreshes at once take their numbers one after the other
    Board.objects.select_for_update().get(pk=board.pk)
    last = board.snapshots.aggregate(last=Max("number"))["last"] or 0
    snapshot = Snapshot.objects.create(
        board=board,
        number=number or last + 1,
        slice_key=slice_key(overrides),
        method=fitted.method_name,
        options=dict(ratings.options),
        query=fitted.query.model_dump(mode="json"),
        seed=ratings.seed,
        input_hash=selection.input_hash,
        battles=selection.rows,
        excluded=selection.excluded,
        diagnostics=ratings.diagnostics,
        pairs=_pairs(selection.comparisons) if selection.comparisons is not None else [],
        data_until=selection.data_until,
        software_version=__version__,
    )
    ids = dict(LanguageModel.objects.filter(slug__in=ratings.models).values_list("slug", "id"))
    Rating.objects.bulk_create(_rating_rows(snapshot, ratings, ids))
    return snapshot


def _rating_rows(snapshot: Snapshot, ratings: Ratings, ids: Mapping[str, int]) -> list[Rating]:
    rows = []
    for row in ratings.to_rows():
        if row["rating"] is None:
            continue
        rows.append(
            Rating(
                snapshot=snapshot,
                model_id=ids[row["model"]],
                rating=row["rating"],
                rating_lower=row["rating_lower"],
                rating_upper=row["rating_upper"],
                rank=_rank(ratings, row),
                rank_lower=row["rank_lower"],
                rank_upper=row["rank_upper"],
                battles=row["battles"],
                wins=row["wins"],
                losses=row["losses"],
                ties=row["ties"],
                both_bad=row["both_bad"],
                details={
                    "standard_error": row["standard_error"],
                    "component": row["component"],
                    "is_provisional": row["provisional"],
                },
            )
        )
    return rows


def _rank(ratings: Ratings, row: Mapping[str, Any]) -> int:
    """One plus the models of the same connected group that are rated higher."""
    same_group = ratings.component == row["component"]
    with np.errstate(invalid="ignore"):
        return 1 + int(np.sum(same_group & (ratings.rating > row["rating"])))


def _pairs(comparisons: Comparisons) -> list[dict[str, Any]]:
    """Battles and wins per pair of models, the first name alphabetically before the second."""
    m = comparisons.n_models
    low = np.minimum(comparisons.model_a, comparisons.model_b).astype(np.int64)
    high = np.maximum(comparisons.model_a, comparisons.model_b)
    is_swapped = comparisons.model_a != low
    outcome = np.where(
        is_swapped & (comparisons.outcome < 2), 1 - comparisons.outcome, comparisons.outcome
    )
    counts = np.bincount((low * m + high) * 4 + outcome, minlength=m * m * 4).reshape(m, m, 4)
    return [
        {
            "model_a": comparisons.models[i],
            "model_b": comparisons.models[j],
            "battles": int(counts[i, j].sum()),
            "wins_a": int(counts[i, j, 0]),
            "wins_b": int(counts[i, j, 1]),
            "ties": int(counts[i, j, 2]),
            "both_bad": int(counts[i, j, 3]),
        }
        for i, j in np.argwhere(counts.sum(axis=2) > 0)
    ]


def latest_snapshot(board: Board, key: str = "") -> Snapshot | None:
    """The board's newest snapshot, or the newest of one of its slices."""
    return board.snapshots.filter(slice_key=key).order_by("-number").first()


def refresh_board(board: Board) -> Snapshot | None:
    """Take a snapshot if the counted rows have changed since the last one, else None."""
    last = latest_snapshot(board)
    method = METHODS.get(board.method)
    query = board_query(board)
    selection = select(query, method)
    is_same_question = last is not None and (last.method, last.query) == (
        board.method,
        query.model_dump(mode="json"),
    )
    if last is not None and is_same_question and last.input_hash == selection.input_hash:
        return None
    ratings = fit(selection, method, board.options, board.seed)
    fitted = _Fitted(query, board.method, selection, ratings)
    return _store(board, fitted, overrides={}, number=None)
