"""A board as text and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from leaderboard.beside_data import FigureColumn, as_cells
from leaderboard.models import Rating, Snapshot
from leaderboard.selectors import rating_as_json

CSV_COLUMNS = (
    "rank",
    "model",
    "display_name",
    "organisation",
    "license",
    "rating",
    "rating_lower",
    "rating_upper",
    "rank_lower",
    "rank_upper",
    "battles",
    "wins",
    "losses",
    "ties",
    "both_bad",
)
# a cell that begins with one of these runs as a formula when the file is opened in a spreadsheet
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def board_csv(rows: Sequence[Rating], beside: Sequence[FigureColumn] = ()) -> str:
    """The board as CSV, ``beside`` behind the ratings; names like formulas get an apostrophe."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    further = [name for name, _ in as_cells(beside, 0)]
    writer.writerow([*CSV_COLUMNS, *(_safe(name) for name in further)])
    for row in rows:
        values = rating_as_json(row)
        cells = [values[name] for name in CSV_COLUMNS]
        cells += [value for _, value in as_cells(beside, row.model_id)]
        writer.writerow([_safe(cell) for cell in cells])
    return text.getvalue()


def _safe(value: object) -> object:
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return f"'{value}"
    return value


def board_text(snapshot: Snapshot, rows: Sequence[Rating]) -> str:
    """The board for a terminal."""
    width = max([len(row.model.slug) for row in rows] + [5])
    lines = [
        f"{snapshot.board.title} · snapshot {snapshot.number} · {snapshot.method} · "
        f"{snapshot.battles} battles",
        f"{'rank':>4}  {'model':<{width}}  {'rating':>8}  {'95 % interval':>19}  "
        f"{'ranks':>7}  {'battles':>7}",
    ]
    for row in rows:
        lower = f"{row.rating_lower:.1f}" if row.rating_lower is not None else "?"
        upper = f"{row.rating_upper:.1f}" if row.rating_upper is not None else "?"
        lines.append(
            f"{row.rank:>4}  {row.model.slug:<{width}}  {row.rating:>8.1f}  "
            f"{lower:>8} … {upper:>8}  {f'{row.rank_lower}–{row.rank_upper}':>7}  {row.battles:>7}"
        )
    lines += [f"left out: {count} {reason}" for reason, count in sorted(snapshot.excluded.items())]
    return "\n".join(lines)
