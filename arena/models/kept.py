from __future__ import annotations

from django.db import models


class KeptFigures(models.Model):
    """Figures that take long as they were last worked out, for every process to read.

    ``arena.keeping`` writes and reads them. ``name`` is that of the keeper, ``form`` the number of
    its format; ``figures`` is JSON, ``columns`` what is too much for that. A row without
    ``worked_out_at`` has no figures yet. ``asked_at`` is when a renewal was last asked for, empty
    when the last one has come.
    """

    name = models.CharField(max_length=120, unique=True)
    form = models.PositiveSmallIntegerField(default=0)
    figures = models.JSONField(default=dict)
    columns = models.BinaryField(default=bytes)
    worked_out_at = models.DateTimeField(null=True, blank=True)
    took_s = models.FloatField(default=0)
    is_doubted = models.BooleanField(default=False)
    asked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "kept figures"

    def __str__(self) -> str:
        return f"{self.name}, {self.worked_out_at or 'not yet'}"
