from __future__ import annotations

from django.db import models

from leaderboard.models.board import Board
from leaderboard.models.snapshot import Snapshot


class LiveState(models.Model):
    """Where a live board stands since its last snapshot, so that one more vote costs milliseconds.

    ``totals`` are unsigned integers [m, m, 4] of 1, 2, 4 or 8 bytes, compressed by zlib: battles by
    (side A, side B, outcome) of ``model_slugs``. They are sufficient for Bradley–Terry; empty for a
    method that has no such totals.
    Every vote up to ``last_vote`` and judgment up to ``last_judgment`` has been looked at, but for
    the ids in ``absent_votes`` (a transaction may still commit a smaller id) and in ``waiting``
    (judgments not made yet). ``marks`` counts the marked rows; when it changes, the board is
    fitted anew. ``ratings`` is ``{slug: [rating, battles]}``; ``added`` the rows since
    ``snapshot``.
    """

    board = models.OneToOneField(
        Board, on_delete=models.CASCADE, primary_key=True, related_name="live"
    )
    snapshot = models.ForeignKey(Snapshot, on_delete=models.CASCADE, related_name="+")
    model_slugs = models.JSONField(default=list)
    totals = models.BinaryField(default=bytes)
    last_vote = models.BigIntegerField(default=0)
    last_judgment = models.BigIntegerField(default=0)
    absent_votes = models.JSONField(default=list)
    waiting = models.JSONField(default=list)
    marks = models.JSONField(default=dict)
    marks_checked_at = models.DateTimeField()
    added = models.PositiveIntegerField(default=0)
    ratings = models.JSONField(default=dict)
    updated_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.board_id} +{self.added}"
