from __future__ import annotations

from django.db import models
from django.utils import timezone

from judging.models.run import JudgeRun


class JudgeBatch(models.Model):
    """Requests of a run that went out together through an endpoint's Batch API.

    The row is stored before anything is sent, under a ``label`` that the endpoint keeps with the
    batch: if the process dies before ``batch_id`` is known, the label finds it. ``keys`` name the
    requests; ``state`` is the endpoint's word, empty until it has said one.
    """

    run = models.ForeignKey(JudgeRun, on_delete=models.CASCADE, related_name="batches")
    model_name = models.CharField(max_length=160, blank=True)
    label = models.CharField(max_length=80, unique=True)
    batch_id = models.CharField(max_length=200, blank=True)
    state = models.CharField(max_length=40, blank=True)
    problem = models.TextField(blank=True)
    keys = models.JSONField(default=list)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("id",)
        verbose_name_plural = "judge batches"

    def __str__(self) -> str:
        return self.batch_id or self.label
