from __future__ import annotations

import datetime as dt
from typing import Self

from django.db import models
from django.utils import timezone

# a worker tells every two seconds that it lives
ALIVE_FOR_S = 15.0


class DeviceQuerySet(models.QuerySet["Device"]):
    def alive(self) -> Self:
        return self.filter(seen_at__gte=timezone.now() - dt.timedelta(seconds=ALIVE_FOR_S))


class Device(models.Model):
    """An accelerator (or a processor) with a worker at it, as the worker last reported it."""

    host = models.CharField(max_length=60)
    slot = models.CharField(max_length=40)
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=20)
    driver = models.CharField(max_length=60, blank=True)
    memory_bytes = models.BigIntegerField(default=0)
    memory_used_bytes = models.BigIntegerField(default=0)
    utilisation = models.FloatField(null=True, blank=True)
    loaded_model = models.CharField(max_length=300, blank=True)
    queue = models.CharField(max_length=120)
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
