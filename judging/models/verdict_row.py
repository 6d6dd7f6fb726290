from __future__ import annotations

from django.db import models

from arena.models import Outcome, WorkItem


class VerdictRow(WorkItem):
    """What a judge was asked, what it said, how that was read, and what it cost.

    ``outcome`` names the sides as they are stored, never the shown positions. An unreadable reply
    is done, kept, and neither a tie nor a zero.
    """

    outcome = models.CharField(max_length=8, choices=Outcome, blank=True)
    strength = models.PositiveSmallIntegerField(null=True, blank=True)
    score = models.FloatField(null=True, blank=True)
    preference = models.FloatField(null=True, blank=True)
    is_readable = models.BooleanField(null=True, blank=True)
    raw_text = models.TextField(blank=True)
    prompt = models.JSONField(default=list, blank=True)
    prompt_name = models.CharField(max_length=120, blank=True)
    cache_key = models.CharField(max_length=64, blank=True)

    input_tokens = models.PositiveIntegerField(null=True, blank=True)
    output_tokens = models.PositiveIntegerField(null=True, blank=True)
    cost_usd = models.FloatField(null=True, blank=True)
    latency_s = models.FloatField(null=True, blank=True)
    metadata = models.JSONField(default=dict, blank=True)

    class Meta:
        abstract = True
