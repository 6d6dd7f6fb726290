from __future__ import annotations

import datetime as dt
from typing import Self

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from benchmarks.models.run import BenchmarkRun


class DeviceState(models.TextChoices):
    IDLE = "idle", _("idle")
    LOADING = "loading", _("loading a model")
    WORKING = "working", _("at work")


# a worker tells every two seconds that it lives
ALIVE_FOR_S = 15.0


class DeviceQuerySet(models.QuerySet["Device"]):
    def alive(self) -> Self:
        return self.filter(seen_at__gte=timezone.now() - dt.timedelta(seconds=ALIVE_FOR_S))


class Device(models.Model):
    """An accelerator (or a processor) with a worker at it, as the worker last reported it.

    ``run`` is what its worker is at; ``driver`` is empty for a processor, ``queue`` for a worker
    that leaves when nothing waits.
    """

    host = models.CharField(max_length=60)
    slot = models.CharField(max_length=40)
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=20)
    driver = models.CharField(max_length=60, blank=True)
    memory_bytes = models.BigIntegerField(default=0)
    memory_used_bytes = models.BigIntegerField(default=0)
    utilisation = models.FloatField(null=True, blank=True)
    loaded_model = models.CharField(max_length=300, blank=True)
    state = models.CharField(max_length=10, choices=DeviceState, default=DeviceState.IDLE)
    run = models.ForeignKey(
        BenchmarkRun, on_delete=models.SET_NULL, null=True, blank=True, related_name="devices"
    )
    queue = models.CharField(max_length=120, blank=True)
    seen_at = models.DateTimeField()

    objects = DeviceQuerySet.as_manager()

    class Meta:
        ordering = ("host", "slot")
        constraints = (
            models.UniqueConstraint(name="device_has_one_row_per_slot", fields=("host", "slot")),
        )

    def __str__(self) -> str:
        return f"{self.host} {self.slot}"

    @property
    def is_alive(self) -> bool:
        return (timezone.now() - self.seen_at).total_seconds() < ALIVE_FOR_S

    @property
    def memory_share(self) -> float:
        return self.memory_used_bytes / self.memory_bytes if self.memory_bytes else 0.0
