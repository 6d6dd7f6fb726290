from __future__ import annotations

from typing import Any, Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from arena.models import LanguageModel, Run, RunStatus
from arena.models.work import WorkQuerySet


class EngineKind(models.TextChoices):
    LOCAL = "local", _("on attached accelerators")
    ENDPOINT = "endpoint", _("over the model's endpoint")


class Intent(models.TextChoices):
    """What is to become of a draft that a worker prepares."""

    FORECAST = "forecast", _("forecast only")
    START = "start", _("start")


class BenchmarkRunQuerySet(models.QuerySet["BenchmarkRun"]):
    def by_priority(self) -> Self:
        return self.order_by("-priority", "id")

    def waiting_for_accelerators(self) -> Self:
        return self.filter(status=RunStatus.ACTIVE, engine=EngineKind.LOCAL).by_priority()

    def to_prepare(self) -> Self:
        """Drafts that a worker is asked to prepare and whose preparation has not failed."""
        waiting = self.filter(status=RunStatus.DRAFT, prepared_at__isnull=True, status_detail="")
        return waiting.exclude(intent="")


class BenchmarkRun(Run):
    """One model over a list of tasks.

    ``selection`` are the names asked for, ``groups`` what each group is made of (tasks of those in
    ``plain_groups`` count alike whatever their size), ``options`` how tasks are built (limit,
    shots, data, protocol), ``model_args`` how the checkpoint is loaded.
    ``prepared_at`` is set once all samples are rows; before that the run has none to work on.
    ``intent`` says what a worker is to do with a draft, ``preparing_by`` which process is at it and
    ``preparing_until`` when that process may be taken for dead. ``precision_goal`` is the interval
    half-width at which a task stops early; empty runs it whole.
    """

    language_model = models.ForeignKey(
        LanguageModel, on_delete=models.CASCADE, related_name="benchmark_runs"
    )
    engine = models.CharField(max_length=10, choices=EngineKind)
    model_args = models.JSONField(default=dict, blank=True)
    selection = models.JSONField(default=list)
    groups = models.JSONField(default=dict, blank=True)
    plain_groups = models.JSONField(default=list, blank=True)
    options = models.JSONField(default=dict, blank=True)
    priority = models.IntegerField(default=0)
    precision_goal = models.FloatField(null=True, blank=True)
    prepared_at = models.DateTimeField(null=True, blank=True)
    intent = models.CharField(max_length=10, choices=Intent, blank=True)
    preparing_by = models.CharField(max_length=160, blank=True)
    preparing_until = models.DateTimeField(null=True, blank=True)
    forecast = models.JSONField(default=dict, blank=True)
    environment = models.JSONField(default=dict, blank=True)

    objects = BenchmarkRunQuerySet.as_manager()

    class Meta(Run.Meta):
        verbose_name = _("benchmark run")
        constraints = (
            models.CheckConstraint(
                name="benchmark_run_precision_goal_is_a_share",
                condition=models.Q(precision_goal__isnull=True)
                | models.Q(precision_goal__gt=0, precision_goal__lt=1),
            ),
        )

    @property
    def is_forecast(self) -> bool:
        """Prepared, and waiting for somebody to start it."""
        return self.status == RunStatus.DRAFT and self.prepared_at is not None

    @property
    def is_preparing(self) -> bool:
        return self.status == RunStatus.DRAFT and not self.prepared_at and not self.status_detail

    def items(self) -> WorkQuerySet[Any]:
        return self.samples.all()


class BenchmarkTask(models.Model):
    """One task of a run with its scores.

    ``fingerprint`` is everything that decides the numbers (protocol, prompts, shots, decoding,
    precision, chat template); ``fingerprint_hash`` keeps scores of different ones apart.
    ``scores`` maps metrics to estimates, ``audit`` counts samples that deserve a look. ``drop`` is
    what a probe takes away from the score: of its original (``shuffled@…``, ``redrawn@…``), or
    by leaving out questions that stand in a corpus.
    """

    run = models.ForeignKey(BenchmarkRun, on_delete=models.CASCADE, related_name="tasks")
    name = models.CharField(max_length=200)
    suite = models.CharField(max_length=40)
    protocol = models.CharField(max_length=20)
    options = models.JSONField(default=dict, blank=True)
    primary_metric = models.CharField(max_length=100)
    sample_count = models.PositiveIntegerField(default=0)
    fingerprint = models.JSONField(default=dict, blank=True)
    fingerprint_hash = models.CharField(max_length=16, db_index=True)
    extractor = models.CharField(max_length=40, blank=True)
    scores = models.JSONField(default=dict, blank=True)
    category_scores = models.JSONField(default=dict, blank=True)
    audit = models.JSONField(default=dict, blank=True)
    drop = models.JSONField(default=dict, blank=True)
    stopped_early = models.BooleanField(default=False)
    scored_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(
                name="benchmark_run_has_a_task_once", fields=("run", "name", "protocol")
            ),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def score(self) -> dict[str, Any]:
        """The primary metric's estimate: a number per key, None where it is not known."""
        found: dict[str, Any] = self.scores.get(self.primary_metric) or {}
        return found
