"""Rows on which both answers were called bad, which prefer neither side."""

from leaderboard.ratings.comparisons import Comparisons, Outcome
from leaderboard.ratings.options import BothBad


def counted(rows: Comparisons, both_bad: BothBad) -> Comparisons:
    """The rows that count; where both_bad is ``tie``, all do."""
    is_bad = rows.outcome == Outcome.BOTH_BAD
    return rows.select(~is_bad) if both_bad == "exclude" and is_bad.any() else rows


def excluded(rows: Comparisons, used: Comparisons) -> dict[str, int]:
    """How many rows were left out, as diagnostics tell it; empty when none was."""
    return {"both_bad": len(rows) - len(used)} if len(used) < len(rows) else {}
