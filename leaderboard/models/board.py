from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Board(models.Model):
    """A saved query, a rating method with its options, and a seed.

    ``query`` is the JSON form of ``leaderboard.selection.BoardQuery``: question sets, categories,
    languages, dimensions, source, judges, time range, models, exclusions.
    """

    slug = models.SlugField(max_length=120, unique=True, allow_unicode=True)
    title = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    query = models.JSONField(default=dict, blank=True)
    method = models.CharField(max_length=60, default="bradley_terry")
    options = models.JSONField(default=dict, blank=True)
    seed = models.BigIntegerField(default=0)
    is_public = models.BooleanField(default=True)
    is_live = models.BooleanField(
        default=True, help_text=_("Refit when new votes or verdicts arrive.")
    )
    is_demo = models.BooleanField(default=False)
    position = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("position", "slug")

    def __str__(self) -> str:
        return self.title or self.slug
