from __future__ import annotations

from django.db import models

from arena.models import LanguageModel


class PublishedScore(models.Model):
    """What somebody published for a model on a task, with its source and how it was measured.

    ``value`` is on the metric's own scale (0 to 1 for accuracies). ``num_fewshot`` and
    ``protocol`` empty mean that the source does not say.
    """

    language_model = models.ForeignKey(
        LanguageModel, on_delete=models.CASCADE, related_name="published_scores"
    )
    task = models.CharField(max_length=200)
    metric = models.CharField(max_length=100, blank=True)
    value = models.FloatField()
    num_fewshot = models.PositiveIntegerField(null=True, blank=True)
    protocol = models.CharField(max_length=20, blank=True)
    source = models.CharField(max_length=300)

    class Meta:
        ordering = ("task",)
        constraints = (
            models.UniqueConstraint(
                name="published_score_is_stored_once",
                fields=("language_model", "task", "metric", "source"),
            ),
            models.CheckConstraint(
                name="published_score_has_a_source", condition=~models.Q(source="")
            ),
        )

    def __str__(self) -> str:
        return f"{self.task} {self.value:g}"
