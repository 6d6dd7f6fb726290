"""How far a run is, how fast it goes, what failed: read from its rows."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db.models import Count, Min
from django.utils import timezone

from arena.models import Run, RunStatus, WorkStatus
from arena.work.kinds import RunKind, kind_of

RATE_WINDOW_S = 30.0


@dataclass(frozen=True, slots=True)
class FailureGroup:
    """Failed rows of one kind, with one of their messages as an example."""

    kind: str
    count: int
    example: str


@dataclass(frozen=True, slots=True)
class RunProgress:
    """Counts of rows by status; ``rate_per_s`` over the last half minute; ``left_s`` from it."""

    run: Run
    kind: RunKind
    done: int
    failed: int
    in_flight: int
    waiting: int
    rate_per_s: float
    left_s: float | None

    @property
    def total(self) -> int:
        return self.done + self.failed + self.in_flight + self.waiting

    @property
    def finished(self) -> int:
        return self.done + self.failed

    @property
    def percent(self) -> float:
        return round(100 * self.finished / self.total, 1) if self.total else 0.0

    @property
    def done_percent(self) -> float:
        return round(100 * self.done / self.total, 2) if self.total else 0.0

    @property
    def failed_percent(self) -> float:
        return round(100 * self.failed / self.total, 2) if self.total else 0.0

    @property
    def in_flight_percent(self) -> float:
        return round(100 * self.in_flight / self.total, 2) if self.total else 0.0

    @property
    def can_stop(self) -> bool:
        return self.run.status in (RunStatus.ACTIVE, RunStatus.DRAFT)

    @property
    def can_cancel(self) -> bool:
        return self.run.status in (RunStatus.ACTIVE, RunStatus.DRAFT, RunStatus.STOPPED)

    @property
    def can_resume(self) -> bool:
        return self.run.status == RunStatus.STOPPED and self.waiting + self.in_flight > 0

    @property
    def can_retry(self) -> bool:
        return self.failed > 0 and self.run.status in (RunStatus.STOPPED, RunStatus.COMPLETED)

    def as_json(self) -> dict[str, object]:
        return {
            "run": self.run.pk,
            "kind": self.kind.name,
            "label": self.run.label,
            "status": self.run.status,
            "total": self.total,
            "done": self.done,
            "failed": self.failed,
            "in_flight": self.in_flight,
            "waiting": self.waiting,
            "rate_per_s": round(self.rate_per_s, 3),
            "left_s": self.left_s,
        }


def run_progress(run: Run) -> RunProgress:
    """Two queries over the run's rows."""
    counts = run.items().status_counts()
    rate_per_s = _rate_per_s(run)
    left = counts[WorkStatus.PENDING] + counts[WorkStatus.CLAIMED]
    return RunProgress(
        run=run,
        kind=kind_of(run),
        done=counts[WorkStatus.DONE],
        failed=counts[WorkStatus.FAILED],
        in_flight=counts[WorkStatus.CLAIMED],
        waiting=counts[WorkStatus.PENDING],
        rate_per_s=rate_per_s,
        left_s=left / rate_per_s if rate_per_s and run.is_active else None,
    )


def _rate_per_s(run: Run) -> float:
    if not run.started_at:
        return 0.0
    now = timezone.now()
    since = max(run.started_at, now - dt.timedelta(seconds=RATE_WINDOW_S))
    span_s = max((now - since).total_seconds(), 1.0)
    return run.items().filter(finished_at__gte=since).count() / span_s


def failure_groups(run: Run) -> list[FailureGroup]:
    """Why rows failed, the most frequent reason first; two queries."""
    failed = run.items().filter(status=WorkStatus.FAILED).order_by()
    groups = list(
        failed.values_list("error_kind")
        .annotate(n=Count("id"), first=Min("id"))
        .order_by("-n", "error_kind")
    )
    firsts = [first for _, _, first in groups]
    told = dict(run.items().filter(pk__in=firsts).values_list("pk", "error_detail"))
    return [FailureGroup(kind, count, told[first]) for kind, count, first in groups]
