from __future__ import annotations

from django.db import models
from django.utils import timezone


class KeptReply(models.Model):
    """A short reply that many judgments share, such as a reward model's score of one answer.

    ``key`` covers everything that was sent and to whom, so that judgments of any run, pair and
    judge version find it and nothing is asked twice.
    """

    key = models.CharField(max_length=64, primary_key=True)
    text = models.TextField()
    input_tokens = models.PositiveIntegerField(null=True, blank=True)
    output_tokens = models.PositiveIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.key[:8]}: {self.text[:40]}"
