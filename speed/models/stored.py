from __future__ import annotations

from typing import Self

from django.db import models

from arena.models import LanguageModel
from speed.models.run import SpeedRun, SpeedStatus


class SpeedStamps(models.Model):
    """A stamp file as it was written, compressed: the truth that every figure comes from.

    It is kept in the database and not on a disk, because the worker that measured and the web
    server that reports need not be on one machine. A run of a search has one file per trial.
    """

    run = models.ForeignKey(SpeedRun, on_delete=models.CASCADE, related_name="stamps")
    part = models.PositiveIntegerField(default=0)
    content = models.BinaryField()
    sha256 = models.CharField(max_length=64)

    class Meta:
        ordering = ("part",)
        constraints = (
            models.UniqueConstraint(name="stamps_are_stored_once_per_part", fields=("run", "part")),
        )

    def __str__(self) -> str:
        return f"{self.run_id}/{self.part}"


class SpeedPhaseQuerySet(models.QuerySet["SpeedPhase"]):
    def publishable(self) -> Self:
        """Whole, loaded phases that may stand on a board: never a red one, nor an overload."""
        return self.exclude(grade="red").filter(
            run__status=SpeedStatus.COMPLETED, language_model__isnull=False, is_overloaded=False
        )


class SpeedPhase(models.Model):
    """One level of load of a run in figures: for lists, boards and history.

    ``number`` counts within the run, ``phase`` within the stamp file. Seconds throughout; an
    interval that the sample is too small for is null.
    """

    run = models.ForeignKey(SpeedRun, on_delete=models.CASCADE, related_name="phases")
    stamps = models.ForeignKey(SpeedStamps, on_delete=models.CASCADE, related_name="phases")
    number = models.PositiveIntegerField()
    phase = models.PositiveIntegerField()
    name = models.CharField(max_length=80)
    side = models.PositiveSmallIntegerField(default=0)
    language_model = models.ForeignKey(
        LanguageModel,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="speed_phases",
    )
    load = models.CharField(max_length=10)
    level = models.FloatField()
    attempts = models.PositiveIntegerField()
    succeeded = models.PositiveIntegerField()
    failed = models.PositiveIntegerField()
    cancelled = models.PositiveIntegerField(default=0)
    by_category = models.JSONField(default=dict)
    window_s = models.FloatField()
    requests_per_s = models.FloatField(null=True)
    output_tokens_per_s = models.FloatField(null=True)
    input_tokens = models.FloatField(default=0)
    output_tokens = models.FloatField(default=0)
    ttft_s = models.FloatField(null=True)
    ttft_lower_s = models.FloatField(null=True)
    ttft_upper_s = models.FloatField(null=True)
    ttft_p99_s = models.FloatField(null=True)
    tpot_s = models.FloatField(null=True)
    tpot_lower_s = models.FloatField(null=True)
    tpot_upper_s = models.FloatField(null=True)
    latency_s = models.FloatField(null=True)
    latency_p99_s = models.FloatField(null=True)
    is_overloaded = models.BooleanField(default=False)
    grade = models.CharField(max_length=5)

    objects = SpeedPhaseQuerySet.as_manager()

    class Meta:
        ordering = ("run_id", "number")
        constraints = (
            models.UniqueConstraint(
                name="speed_phase_is_numbered_once_per_run", fields=("run", "number")
            ),
            models.CheckConstraint(
                name="speed_phase_outcomes_add_up",
                condition=models.Q(attempts=models.F("succeeded") + models.F("failed")),
            ),
        )

    def __str__(self) -> str:
        return f"{self.run_id}: {self.name}"
