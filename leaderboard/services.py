"""Fitting boards and storing what came out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.db import transaction
from django.db.models import Max

from arena import __version__
from arena.models import LanguageModel
from leaderboard.bundles import archived
from leaderboard.bundling import labels_of
from leaderboard.examination import examine
from leaderboard.facets import question_facets
from leaderboard.fitting import Fitted, NoDataError, fit, rating_values, select
from leaderboard.models import Board, Evidence, Rating, Snapshot
from leaderboard.pairs import pair_totals, triangle_to_bytes
from leaderboard.ratings import METHODS
from leaderboard.slices import BoardError, BoardSlice, board_query, board_slice, slice_key
from leaderboard.traits import classify_new_questions

__all__ = [
    "BoardError",
    "NoDataError",
    "board_query",
    "latest_snapshot",
    "refresh_board",
    "slice_key",
    "take_snapshot",
]


EXAMINED_AT_ONCE: Final = 20_000
"""Rows up to which a snapshot is examined while somebody waits; a live board's worker always is."""


KEPT_ROWS: Final = 20_000
"""Rows up to which a snapshot keeps its own columns, so that later marks cannot touch them."""


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
    Raises BoardError, NoDataError, or RatingError on data that do not allow what was asked.
    """
    question = board_slice(board, overrides)
    if not overrides:
        classify_new_questions()
    if method_name or options is not None:
        name = method_name or question.method
        given = options if options is not None else {}
        kept = question.options if options is None and name == question.method else given
        question = BoardSlice(question.query, name, dict(kept), question.seed)
    fitted = fit(question, select(question.query, METHODS.get(question.method)))
    snapshot = store_snapshot(board, fitted, overrides=overrides or {}, number=number)
    if fitted.selection.rows <= EXAMINED_AT_ONCE:
        examine(snapshot, fitted)
    return snapshot


@transaction.atomic
def store_snapshot(
    board: Board, fitted: Fitted, *, overrides: Mapping[str, str], number: int | None = None
) -> Snapshot:
    """Keep ratings and all it takes to recompute them."""
    selection, ratings = fitted.selection, fitted.ratings
    # two refreshes at once take their numbers one after the other
    Board.objects.select_for_update().get(pk=board.pk)
    last = board.snapshots.aggregate(last=Max("number"))["last"] or 0
    snapshot = Snapshot.objects.create(
        board=board,
        number=number or last + 1,
        slice_key=slice_key(overrides),
        method=fitted.question.method,
        options=dict(ratings.options),
        query=fitted.question.query.model_dump(mode="json"),
        seed=ratings.seed,
        input_hash=selection.input_hash,
        battles=selection.rows,
        excluded=selection.excluded,
        diagnostics=ratings.diagnostics,
        facets={} if overrides else question_facets(fitted.question.query),
        data_until=selection.data_until,
        software_version=__version__,
    )
    values = rating_values(ratings)
    ids = dict(LanguageModel.objects.filter(slug__in=ratings.models).values_list("slug", "id"))
    Rating.objects.bulk_create(
        Rating(snapshot=snapshot, model_id=ids[row.pop("model")], **row) for row in values
    )
    comparisons = selection.comparisons
    Evidence.objects.create(
        snapshot=snapshot,
        model_slugs=list(ratings.models),
        pairs=b"" if comparisons is None else pair_totals(comparisons).tobytes(),
        covariance=triangle_to_bytes(ratings.covariance),
        left_out=selection.left_out,
        labels=labels_of(selection),
        last_vote=selection.last_vote,
        last_judgment=selection.last_judgment,
        columns=archived(selection.columns) if selection.rows <= KEPT_ROWS else b"",
    )
    return snapshot


def latest_snapshot(board: Board, key: str = "") -> Snapshot | None:
    """The board's newest snapshot, or the newest of one of its slices."""
    return board.snapshots.filter(slice_key=key).order_by("-number").first()


def refresh_board(board: Board) -> Snapshot | None:
    """Take a snapshot if the counted rows have changed since the last one, else None."""
    last = latest_snapshot(board)
    question = board_slice(board)
    classify_new_questions()
    selection = select(question.query, METHODS.get(question.method))
    if last is not None and is_same_question(last, question, selection.input_hash):
        return None
    fitted = fit(question, selection)
    snapshot = store_snapshot(board, fitted, overrides={})
    examine(snapshot, fitted)
    return snapshot


def is_same_question(snapshot: Snapshot, question: BoardSlice, input_hash: str) -> bool:
    """Whether fitting again would give this snapshot again."""
    options = METHODS.get(question.method).options.model_validate(question.options)
    return (
        snapshot.method == question.method
        and snapshot.query == question.query.model_dump(mode="json")
        and snapshot.options == options.model_dump(mode="json")
        and snapshot.seed == question.seed
        and snapshot.input_hash == input_hash
    )
