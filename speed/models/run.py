from __future__ import annotations

from typing import Self

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from arena.models import LanguageModel


class SpeedStatus(models.TextChoices):
    QUEUED = "queued", _("waiting")
    RUNNING = "running", _("running")
    COMPLETED = "completed", _("completed")
    STOPPED = "stopped", _("stopped")
    FAILED = "failed", _("failed")


class SpeedMode(models.TextChoices):
    LOAD = "load", _("load")
    INTERLEAVED = "interleaved", _("interleaved A/B")
    SEARCH = "search", _("search for the highest load")
    CALIBRATION = "calibration", _("self-calibration")
    IN_PROCESS = "in_process", _("inside a process")


class SpeedRunQuerySet(models.QuerySet["SpeedRun"]):
    def unfinished(self) -> Self:
        return self.filter(status__in=(SpeedStatus.QUEUED, SpeedStatus.RUNNING))

    def measured(self) -> Self:
        """Those that ended and have figures."""
        return self.filter(
            status__in=(SpeedStatus.COMPLETED, SpeedStatus.STOPPED), phases__isnull=False
        ).distinct()


class SpeedRun(models.Model):
    """One measurement of an endpoint.

    It is no ``arena.models.Run``: its requests are sent by one generator process on a schedule, not
    claimed row by row, so that no queue and no database stands between two requests.

    ``spec`` is what was asked for (``speed.spec.SpeedSpec``), without any key: keys are read from
    the endpoint or the environment when the run starts. ``workload_key`` is equal for runs that
    ask for the same work, ``target_key`` for runs of the same model at the same place.
    ``lease_owner`` is the process that drives the run and ``host`` the machine it runs on.
    ``progress`` holds the newest counters and a short history of them.
    """

    mode = models.CharField(max_length=12, choices=SpeedMode, default=SpeedMode.LOAD)
    label = models.CharField(max_length=200, blank=True)
    status = models.CharField(max_length=10, choices=SpeedStatus, default=SpeedStatus.QUEUED)
    status_detail = models.TextField(blank=True)
    spec = models.JSONField()
    workload_key = models.CharField(max_length=64)
    target_key = models.CharField(max_length=64)
    language_model = models.ForeignKey(
        LanguageModel,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="speed_runs",
    )
    progress = models.JSONField(default=dict, blank=True)
    summary = models.JSONField(default=dict, blank=True)
    environment = models.JSONField(default=dict, blank=True)
    grade = models.CharField(max_length=5, blank=True)
    is_stop_wanted = models.BooleanField(default=False)
    host = models.CharField(max_length=60, blank=True)
    lease_owner = models.CharField(max_length=120, blank=True)
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    enqueued_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    software_version = models.CharField(max_length=40, blank=True)

    objects = SpeedRunQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        indexes = (models.Index(fields=("target_key", "workload_key"), name="speed_run_series"),)
        constraints = (
            models.UniqueConstraint(
                name="one_speed_run_at_a_time_per_host",
                fields=("host",),
                condition=models.Q(status="running"),
            ),
            models.CheckConstraint(
                name="speed_run_that_runs_has_an_owner",
                condition=~models.Q(status="running") | ~models.Q(lease_owner=""),
            ),
            models.CheckConstraint(
                name="speed_run_grade_is_known",
                condition=models.Q(grade__in=("", "green", "amber", "red")),
            ),
        )

    def __str__(self) -> str:
        return self.label or str(_("Speed run %(id)s") % {"id": self.pk})

    @property
    def is_unfinished(self) -> bool:
        return self.status in (SpeedStatus.QUEUED, SpeedStatus.RUNNING)
