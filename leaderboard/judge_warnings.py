"""Judges whose verdicts a public board counts although probes are missing or failed."""

from __future__ import annotations

from django.core.cache import cache
from django.db.models import Exists, OuterRef

from judging.models import Judge, JudgmentMode
from judging.probe_results import Standing, standings
from leaderboard.models import Board
from leaderboard.query import BoardQuery, judgments_of

KEPT_S = 60


def doubtful_judges(board: Board) -> list[Standing]:
    """Where each judge behind the board stands, if it is not cleared; kept for a minute."""
    query = BoardQuery.model_validate(board.query)
    if query.source == "people" or board.is_demo or not board.is_public:
        return []
    key = f"doubtful-judges:{board.pk}"
    found: list[Standing] | None = cache.get(key)
    if found is None:
        found = [standing for standing in standings(_judges(query)) if not standing.is_cleared]
        cache.set(key, found, KEPT_S)
    return found


def _judges(query: BoardQuery) -> list[Judge]:
    """Those with at least one verdict that counts; the demo's are left out."""
    has_counted = [
        Exists(judgments_of(query, mode).counted().filter(judge=OuterRef("pk")))
        for mode in JudgmentMode
    ]
    judges = Judge.objects.filter(has_counted[0] | has_counted[1], is_demo=False)
    return list(judges.order_by("slug", "-version"))
