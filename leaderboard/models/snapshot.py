from __future__ import annotations

from django.db import models

from arena.models import LanguageModel
from leaderboard.models.board import Board


class Snapshot(models.Model):
    """An immutable, numbered state of a board with all it takes to recompute it.

    ``slice_key`` is empty for the board itself; a slice narrows the query or changes the method
    ("category=math", "source=people") and carries the same number as the snapshot it belongs to.
    ``input_hash`` covers the compared rows in order; ``excluded`` counts what was left out, by
    reason; ``diagnostics`` is the method's own report; ``facets`` counts the questions behind it
    by what a reader may narrow them by: ``{"category": {"math": 10}}``. What is large stands in
    ``Evidence``.
    """

    board = models.ForeignKey(Board, on_delete=models.CASCADE, related_name="snapshots")
    number = models.PositiveIntegerField()
    slice_key = models.CharField(max_length=300, blank=True)
    method = models.CharField(max_length=60)
    options = models.JSONField(default=dict, blank=True)
    query = models.JSONField(default=dict, blank=True)
    seed = models.BigIntegerField(default=0)
    input_hash = models.CharField(max_length=64)
    battles = models.PositiveIntegerField(default=0)
    excluded = models.JSONField(default=dict, blank=True)
    diagnostics = models.JSONField(default=dict, blank=True)
    facets = models.JSONField(default=dict, blank=True)
    data_until = models.DateTimeField(null=True, blank=True)
    software_version = models.CharField(max_length=40, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-number",)
        constraints = (
            models.UniqueConstraint(
                name="snapshot_is_numbered_once_per_board", fields=("board", "number", "slice_key")
            ),
        )

    def __str__(self) -> str:
        return f"{self.board} #{self.number}"


class Rating(models.Model):
    """One model's line in a snapshot; ``rating`` is on the method's own scale.

    ``rank_lower`` is the best plausible rank (the number LMArena calls rank upper bound),
    ``rank_upper`` the worst, so that ``rank_lower <= rank <= rank_upper`` as with the rating.
    """

    snapshot = models.ForeignKey(Snapshot, on_delete=models.CASCADE, related_name="ratings")
    model = models.ForeignKey(LanguageModel, on_delete=models.CASCADE, related_name="ratings")
    rating = models.FloatField()
    rating_lower = models.FloatField(null=True, blank=True)
    rating_upper = models.FloatField(null=True, blank=True)
    rank = models.PositiveIntegerField()
    rank_lower = models.PositiveIntegerField()
    rank_upper = models.PositiveIntegerField()
    battles = models.PositiveIntegerField(default=0)
    wins = models.PositiveIntegerField(default=0)
    losses = models.PositiveIntegerField(default=0)
    ties = models.PositiveIntegerField(default=0)
    both_bad = models.PositiveIntegerField(default=0)
    details = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ("rank", "-rating")
        constraints = (
            models.UniqueConstraint(
                name="rating_appears_once_per_snapshot", fields=("snapshot", "model")
            ),
            models.CheckConstraint(
                name="rating_lies_within_its_interval",
                # half an interval is none: a CHECK that comes out NULL would pass
                condition=models.Q(rating_lower__isnull=True, rating_upper__isnull=True)
                | models.Q(
                    rating_lower__isnull=False,
                    rating_upper__isnull=False,
                    rating_lower__lte=models.F("rating"),
                    rating_upper__gte=models.F("rating"),
                ),
            ),
            models.CheckConstraint(
                name="rating_rank_range_is_ordered",
                condition=models.Q(
                    rank_lower__lte=models.F("rank"), rank_upper__gte=models.F("rank")
                ),
            ),
        )

    def __str__(self) -> str:
        return f"{self.rank}. {self.model_id}: {self.rating:.1f}"
