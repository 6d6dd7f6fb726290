from __future__ import annotations

from django.db import models


class KeptPeopleFigures(models.Model):
    """People against judges as they were last worked out, for every process to read.

    Kept only where working them out takes long; see ``judging.people_kept``. ``figures`` is JSON,
    ``disputes`` compressed columns; both are written and read by ``judging.people_packed``, and
    ``form`` is the number of its format. A row without ``worked_out_at`` has none yet.
    ``asked_at`` is when a renewal was last asked for, empty when the last one has come.
    """

    include_demo = models.BooleanField(unique=True)
    form = models.PositiveSmallIntegerField(default=0)
    figures = models.JSONField(default=dict)
    disputes = models.BinaryField(default=bytes)
    worked_out_at = models.DateTimeField(null=True, blank=True)
    took_s = models.FloatField(default=0)
    asked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "kept people figures"

    def __str__(self) -> str:
        return f"people and judges, {self.worked_out_at or 'not yet'}"
