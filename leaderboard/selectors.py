"""Reading boards: what pages, commands and the API show."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet, Subquery

from arena.models import Battle, LanguageModel, Vote
from judging.models import Judgment
from leaderboard.charts import PairCount
from leaderboard.models import Board, Evidence, Rating, Snapshot
from leaderboard.pairs import Pairs, pairs_from_bytes
from leaderboard.pairs import pair_counts as named_pairs
from leaderboard.query import BoardQuery, question_filter

_NOT_ON_BOARDS = (
    "description",
    "url",
    "release_date",
    "knowledge_cutoff",
    "context_length",
    "provider_settings",
    "created_at",
)
"""Columns of a model that no line shows, and that hundreds of lines need not decode."""


class UnknownBoardError(LookupError):
    """There is no board of that name."""


def get_board(slug: str) -> Board:
    """The board called ``slug``; raises UnknownBoardError that lists the boards there are."""
    board = Board.objects.filter(slug=slug).first()
    if board is None:
        known = ", ".join(Board.objects.values_list("slug", flat=True)) or "none yet"
        raise UnknownBoardError(f"there is no board {slug!r}; boards are: {known}")
    return board


def rating_rows(snapshot: Snapshot) -> list[Rating]:
    """The snapshot's lines, best first, with model and licence at hand: one query."""
    rows = snapshot.ratings.select_related("model__license").order_by("rank", "-rating")
    return list(rows.defer(*(f"model__{name}" for name in _NOT_ON_BOARDS)))


def snapshot_as_json(snapshot: Snapshot, rows: Sequence[Rating]) -> dict[str, Any]:
    """A snapshot in the field's words; the keys are documented in docs/api.md and stable."""
    return {
        "board": snapshot.board.slug,
        "title": snapshot.board.title,
        "snapshot": snapshot.number,
        "slice": snapshot.slice_key,
        "method": snapshot.method,
        "options": snapshot.options,
        "query": snapshot.query,
        "seed": snapshot.seed,
        "battles": snapshot.battles,
        "excluded": snapshot.excluded,
        "input_hash": snapshot.input_hash,
        "data_until": _iso(snapshot.data_until),
        "created_at": _iso(snapshot.created_at),
        "software_version": snapshot.software_version,
        "diagnostics": snapshot.diagnostics,
        "ratings": [rating_as_json(row) for row in rows],
    }


def rating_as_json(row: Rating) -> dict[str, Any]:
    model = row.model
    return {
        "rank": row.rank,
        "model": model.slug,
        "display_name": model.display_name,
        "organisation": model.organisation,
        "license": model.license.spdx_id if model.license else None,
        "rating": row.rating,
        "rating_lower": row.rating_lower,
        "rating_upper": row.rating_upper,
        "rank_lower": row.rank_lower,
        "rank_upper": row.rank_upper,
        "battles": row.battles,
        "wins": row.wins,
        "losses": row.losses,
        "ties": row.ties,
        "both_bad": row.both_bad,
        **row.details,
    }


def _iso(time: dt.datetime | None) -> str | None:
    return time.isoformat() if time else None


def snapshot_pairs(snapshot: Snapshot) -> tuple[Pairs, list[str]]:
    """Pair totals and the models that they point into; empty for methods without pairs."""
    evidence = Evidence.objects.only("pairs", "model_slugs").filter(snapshot=snapshot).first()
    data = bytes(evidence.pairs) if evidence else b""
    return pairs_from_bytes(data), evidence.model_slugs if evidence else []


def pair_counts(snapshot: Snapshot) -> list[PairCount]:
    """Battles and outcomes of every pair that met, by name."""
    return named_pairs(*snapshot_pairs(snapshot))


def board_cards(*, with_private: bool) -> list[tuple[Board, Snapshot | None]]:
    """Boards with their newest snapshot; the demo's come last."""
    boards = Board.objects.all() if with_private else Board.objects.filter(is_public=True)
    newest = Snapshot.objects.filter(board=OuterRef("pk"), slice_key="").order_by("-number")
    listed = list(boards.annotate(newest=Subquery(newest.values("pk")[:1])))
    snapshots = Snapshot.objects.defer("diagnostics", "facets", "query", "options").in_bulk(
        [board.newest for board in listed if board.newest]
    )
    return [(board, snapshots.get(board.newest)) for board in listed]


def battles_between(
    query: BoardQuery, first: LanguageModel, second: LanguageModel
) -> QuerySet[Battle]:
    """The battles behind one cell of the win matrix, newest first."""
    battles = Battle.objects.between(first, second).filter(question_filter(query, "question__"))
    votes = Vote.objects.filter(battle=OuterRef("pk"))
    judgments = Judgment.objects.filter(battle=OuterRef("pk"), outcome__gt="")
    battles = battles.filter(Exists(votes) | Exists(judgments))
    return battles.select_related("question", "model_a", "model_b").order_by("-id")
