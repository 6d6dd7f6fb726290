"""What a reader may change on a public board without owning it: who decides, style, which part.

A slice is named by its overrides in one canonical way, so that it is fitted once and shared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from pydantic import ValidationError

from leaderboard.models import Board
from leaderboard.query import BoardQuery
from leaderboard.ratings import METHODS

SLICE_KEYS: Final = ("source", "style", "category", "language", "dimension", "tag", "trait")
_LISTS: Final = {
    "category": "categories",
    "language": "languages",
    "dimension": "dimensions",
    "tag": "tags",
    "trait": "traits",
}
CALIBRATED: Final = "calibrated"
STYLES: Final[dict[str, tuple[str, ...]]] = {
    "length": ("length",),
    "length_markdown": ("length", "headers", "lists", "bold"),
}
SWITCHABLE: Final = "bradley_terry"
"""The method whose boards offer the switch: the others answer the same question their own way."""


class BoardError(ValueError):
    """The board's query, method or options do not make sense."""


@dataclass(frozen=True, slots=True)
class BoardSlice:
    """A board's question as it is asked: rows, method, options, seed."""

    query: BoardQuery
    method: str
    options: dict[str, Any]  # JSON, checked by the method
    seed: int


def slice_key(overrides: Mapping[str, str]) -> str:
    """The canonical name of a slice: its overrides in alphabetical order."""
    return urlencode(sorted((key, value) for key, value in overrides.items() if value))


def board_query(board: Board, overrides: Mapping[str, str] | None = None) -> BoardQuery:
    """The board's query with a slice's overrides; raises BoardError naming the wrong key."""
    values: dict[str, Any] = dict(board.query)  # JSON
    chosen = {key: value for key, value in (overrides or {}).items() if value}
    for key, plural in _LISTS.items():
        if key in chosen:
            # a question has one category but may carry many tags, and all asked for must be there
            kept = values.get(plural, ()) if key in ("tag", "trait") else ()
            values[plural] = [*kept, chosen[key]]
    if chosen.get("source", CALIBRATED) != CALIBRATED:
        values["source"] = chosen["source"]
    try:
        return BoardQuery.model_validate(values)
    except ValidationError as error:
        raise BoardError(f"board {board.slug!r}: {first_problem(error)}") from None


def board_slice(board: Board, overrides: Mapping[str, str] | None = None) -> BoardSlice:
    """The board as ``overrides`` ask for it; raises BoardError on what it does not offer."""
    chosen = overrides or {}
    query = board_query(board, chosen)
    method, options = board.method, dict(board.options)
    is_calibrated, style = chosen.get("source") == CALIBRATED, chosen.get("style", "")
    if is_calibrated and style:
        raise BoardError(
            f"board {board.slug!r}: calibrated ratings cannot hold style equal as well; "
            "drop style or source from the address"
        )
    if is_calibrated:
        method, options = "judge_calibrated", _carried_over(options, "judge_calibrated")
    elif style:
        if style not in STYLES:
            raise BoardError(
                f"board {board.slug!r}: there is no style {style!r}; use {', '.join(STYLES)}"
            )
        method, options = "style_control", _carried_over(options, "style_control")
        options["features"] = list(STYLES[style])
    return BoardSlice(query, method, options, board.seed)


def _carried_over(options: Mapping[str, Any], method: str) -> dict[str, Any]:  # JSON
    """The board's own settings as far as the other method knows them, so that scales agree."""
    known = METHODS.get(method).options.model_fields
    return {name: value for name, value in options.items() if name in known}


def first_problem(error: ValidationError) -> str:
    """Where the first wrong value stands, what is wrong, and the value."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{where}: {first['msg']} (got {first.get('input')!r})"
