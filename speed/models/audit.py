from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from speed.models.run import SpeedRun


class SpeedAction(models.TextChoices):
    STARTED = "started", _("asked for")
    STOPPED = "stopped", _("stop asked for")
    REFUSED = "refused", _("refused")
    FINISHED = "finished", _("ended")


class SpeedAudit(models.Model):
    """Who pointed load at what, and what was refused. Only ever added to."""

    at = models.DateTimeField(auto_now_add=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    action = models.CharField(max_length=10, choices=SpeedAction)
    run = models.ForeignKey(
        SpeedRun, on_delete=models.SET_NULL, null=True, blank=True, related_name="audit"
    )
    target = models.CharField(max_length=500, blank=True)
    detail = models.TextField(blank=True)

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.action} {self.target}"
