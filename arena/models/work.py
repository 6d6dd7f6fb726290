"""Rows that are units of slow or paid work, and the runs they belong to.

The row is the truth and the queue a hint: a worker claims rows by a conditional update, holds a
lease on them while it works, and stores each result as it arrives. A row whose lease has run out
may be claimed by anyone.
"""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any, Self, TypeVar

from django.conf import settings
from django.db import connection, models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class WorkStatus(models.TextChoices):
    PENDING = "pending", _("waiting")
    CLAIMED = "claimed", _("in flight")
    DONE = "done", _("done")
    FAILED = "failed", _("failed")


class RunStatus(models.TextChoices):
    DRAFT = "draft", _("draft")
    ACTIVE = "active", _("running")
    STOPPED = "stopped", _("paused")
    CANCELLED = "cancelled", _("cancelled")
    COMPLETED = "completed", _("completed")


Item = TypeVar("Item", bound="WorkItem")


class WorkQuerySet(models.QuerySet[Item]):
    def unfinished(self) -> Self:
        return self.filter(status__in=(WorkStatus.PENDING, WorkStatus.CLAIMED))

    def claim(self, *, limit: int, owner: str, lease_s: float) -> list[int]:
        """Take up to ``limit`` claimable rows for ``owner``; returns their ids in order.

        The conditional update is the arbiter: of two workers that saw the same rows, the second
        finds them no longer claimable.
        """
        now = timezone.now()
        waiting = models.Q(status=WorkStatus.PENDING) & (
            models.Q(not_before__isnull=True) | models.Q(not_before__lte=now)
        )
        expired = models.Q(status=WorkStatus.CLAIMED, lease_expires_at__lt=now)
        lease = {
            "status": WorkStatus.CLAIMED,
            "lease_owner": f"{owner}/{uuid.uuid4().hex[:12]}",
            "lease_expires_at": now + dt.timedelta(seconds=lease_s),
            "attempts": models.F("attempts") + 1,
        }
        claimed = self._claim_where(waiting, limit, lease)
        if len(claimed) < limit:
            claimed += self._claim_where(expired, limit - len(claimed), lease)
        return claimed

    def _claim_where(
        self, condition: models.Q, limit: int, lease: dict[str, Any]
    ) -> list[int]:  # the lease mixes column values and expressions
        candidates = self.filter(condition).order_by("id").values_list("id", flat=True)[:limit]
        if connection.features.has_select_for_update_skip_locked:
            return self._claim_locked(candidates, lease)
        with transaction.atomic():
            ids = list(candidates)
            rows = self.model._default_manager.filter(id__in=ids)
            if not ids or rows.filter(condition).update(**lease) == len(ids):
                return ids
            mine = rows.filter(lease_owner=lease["lease_owner"]).order_by("id")
            return list(mine.values_list("id", flat=True))

    def _claim_locked(
        self, candidates: models.QuerySet[Any, int], lease: dict[str, Any]
    ) -> list[int]:
        """The same in one statement; rows that another worker is claiming are passed over."""
        chosen, parameters = candidates.query.sql_with_params()
        table = connection.ops.quote_name(self.model._meta.db_table)
        with connection.cursor() as cursor:
            cursor.execute(
                f"WITH chosen AS MATERIALIZED ({chosen} FOR UPDATE OF {table} SKIP LOCKED)"
                f" UPDATE {table} SET status = %s, lease_owner = %s, lease_expires_at = %s,"
                f" attempts = attempts + 1 FROM chosen WHERE {table}.id = chosen.id"
                f" RETURNING {table}.id",
                [
                    *parameters,
                    lease["status"],
                    lease["lease_owner"],
                    lease["lease_expires_at"],
                ],
            )
            return sorted(pk for (pk,) in cursor.fetchall())

    def renew(self, *, ids: list[int], owner: str, lease_s: float) -> int:
        expires = timezone.now() + dt.timedelta(seconds=lease_s)
        return self.filter(
            id__in=ids, status=WorkStatus.CLAIMED, lease_owner__startswith=f"{owner}/"
        ).update(lease_expires_at=expires)

    def release(self, *, ids: list[int], owner: str) -> int:
        """Give back rows that were claimed but not worked on; the attempt does not count."""
        return self.filter(
            id__in=ids, status=WorkStatus.CLAIMED, lease_owner__startswith=f"{owner}/"
        ).update(
            status=WorkStatus.PENDING,
            lease_owner="",
            lease_expires_at=None,
            attempts=models.F("attempts") - 1,
        )

    def status_counts(self) -> dict[str, int]:
        rows = self.order_by().values_list("status").annotate(n=models.Count("id"))
        return dict.fromkeys(WorkStatus.values, 0) | dict(rows)


class WorkItem(models.Model):
    """A unit of work; subclasses add what is to be done and what came of it."""

    status = models.CharField(max_length=10, choices=WorkStatus, default=WorkStatus.PENDING)
    attempts = models.PositiveIntegerField(default=0)
    not_before = models.DateTimeField(null=True, blank=True)
    lease_owner = models.CharField(max_length=120, blank=True)
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    error_kind = models.CharField(max_length=60, blank=True)
    error_detail = models.TextField(blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True


class Run(models.Model):
    """A batch of work rows that somebody asked for.

    ``ACTIVE`` means that workers should be at it; whether one is can be read off the leases.
    ``STOPPED`` can be resumed, ``CANCELLED`` is final: another run may take its open rows over.
    ``enqueued_at`` keeps a waiting run from being put into the queue again and again.
    """

    label = models.CharField(max_length=200, blank=True)
    status = models.CharField(max_length=10, choices=RunStatus, default=RunStatus.DRAFT)
    status_detail = models.TextField(blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    enqueued_at = models.DateTimeField(null=True, blank=True)
    software_version = models.CharField(max_length=40, blank=True)

    class Meta:
        abstract = True
        ordering = ("-id",)

    def __str__(self) -> str:
        return self.label or f"{self._meta.verbose_name} {self.pk}"

    @property
    def is_active(self) -> bool:
        return self.status == RunStatus.ACTIVE

    def items(self) -> WorkQuerySet[Any]:
        """The run's work rows, whatever their class."""
        raise TypeError(f"{type(self).__name__} does not say which rows it works on")
