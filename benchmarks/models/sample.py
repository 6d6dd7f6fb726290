from __future__ import annotations

from typing import Self

from django.db import models

from arena.models.work import WorkItem, WorkQuerySet, WorkStatus
from benchmarks.models.run import BenchmarkRun, BenchmarkTask


class SampleQuerySet(WorkQuerySet["Sample"]):
    def scored(self) -> Self:
        return self.filter(status=WorkStatus.DONE)

    def wrong(self) -> Self:
        """A log-probability is neither right nor wrong: only shares are."""
        return self.scored().filter(value__gte=0, value__lt=0.5)

    def right(self) -> Self:
        return self.scored().filter(value__gte=0.5, value__lte=1)

    def with_reason(self, reason: str) -> Self:
        return self.scored().filter(reason_words__contains=f" {reason} ")


class Sample(WorkItem):
    """A question of a task with its complete prompts, what the model said, and its scores.

    ``value`` is the primary metric as a number, empty when the metric is no number per sample.
    ``reason_words`` are the reasons for a second look, each between spaces. ``prompt_hash`` says
    that two runs asked the very same thing. ``overlap`` is the share of the question's n-grams that
    stand in the run's corpus, empty without a corpus or for a question that is too short.
    """

    run = models.ForeignKey(BenchmarkRun, on_delete=models.CASCADE, related_name="samples")
    task = models.ForeignKey(BenchmarkTask, on_delete=models.CASCADE, related_name="samples")
    index = models.PositiveIntegerField()
    requests = models.JSONField()
    target = models.JSONField(null=True, blank=True)
    doc = models.JSONField(null=True, blank=True)
    choices = models.JSONField(default=list, blank=True)
    category = models.CharField(max_length=100, blank=True)
    cluster = models.CharField(max_length=40, blank=True)
    prompt_hash = models.CharField(max_length=16)
    responses = models.JSONField(default=list, blank=True)
    metrics = models.JSONField(default=dict, blank=True)
    value = models.FloatField(null=True, blank=True)
    extracted = models.TextField(blank=True)
    reason_words = models.CharField(max_length=200, blank=True)
    detail = models.JSONField(default=dict, blank=True)
    overlap = models.FloatField(null=True, blank=True)

    objects = SampleQuerySet.as_manager()

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(
                name="benchmark_task_has_a_sample_once", fields=("task", "index")
            ),
        )
        indexes = (
            models.Index(name="sample_work", fields=("run", "status")),
            models.Index(name="sample_by_value", fields=("task", "value")),
        )

    def __str__(self) -> str:
        return f"{self.task_id} / {self.index}"

    @property
    def reasons(self) -> list[str]:
        return self.reason_words.split()
