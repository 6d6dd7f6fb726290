from __future__ import annotations

import datetime as dt
from typing import Self

from django.db import models
from django.utils import timezone

from arena.models import RunStatus
from judging.models.run import JudgeRun
from providers.openai_batch import FINAL_STATES

LONGEST = dt.timedelta(hours=25)  # an endpoint ends a batch within a day


class JudgeBatchQuerySet(models.QuerySet["JudgeBatch"]):
    def out(self) -> Self:
        """Of runs that were paused or cancelled: replies may still come, and are paid for."""
        return self.filter(
            is_settled=False,
            created_at__gt=timezone.now() - LONGEST,
            run__status__in=(RunStatus.STOPPED, RunStatus.CANCELLED),
        ).exclude(state="unsent")


class JudgeBatch(models.Model):
    """Requests of a run that went out together through an endpoint's Batch API.

    The row is stored before anything is sent, under a ``label`` that the endpoint keeps with the
    batch: if the process dies before ``batch_id`` is known, the label finds it. ``keys`` name the
    requests; ``state`` is the endpoint's word, empty until it has said one, or ``unsent``.

    When the run is cancelled the batch is withdrawn: ``withdrawn_at`` is when the endpoint was told
    so, ``answered`` how many requests it had answered by the end, and ``is_settled`` that these are
    stored and nothing more will come.
    """

    run = models.ForeignKey(JudgeRun, on_delete=models.CASCADE, related_name="batches")
    model_name = models.CharField(max_length=160, blank=True)
    label = models.CharField(max_length=80, unique=True)
    batch_id = models.CharField(max_length=200, blank=True)
    state = models.CharField(max_length=40, blank=True)
    problem = models.TextField(blank=True)
    keys = models.JSONField(default=list)
    created_at = models.DateTimeField(default=timezone.now)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    answered = models.PositiveIntegerField(default=0)
    is_settled = models.BooleanField(default=False)

    objects = JudgeBatchQuerySet.as_manager()

    class Meta:
        ordering = ("id",)
        verbose_name_plural = "judge batches"

    def __str__(self) -> str:
        return self.batch_id or self.label

    @property
    def has_ended(self) -> bool:
        """Whether the endpoint is at it no more."""
        return self.state in (*FINAL_STATES, "unsent")

    @property
    def is_older_than_any(self) -> bool:
        """Whether the endpoint has ended it by itself, whatever it was last heard to say."""
        return timezone.now() - self.created_at > LONGEST
