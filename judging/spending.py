"""What a run has cost so far, read from its rows."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Case, Count, IntegerField, Q, Sum, When
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, Coalesce
from django.utils import timezone

from arena.models import WorkStatus
from judging.budget import Spent
from judging.models import JudgeRun, ProbeRun

# the paid calls of a row; rows of an earlier release do not tell more than whether there was one
CALLS = Coalesce(
    Cast(KeyTextTransform("paid_calls", "metadata"), IntegerField()),
    Case(When(latency_s__gt=0, then=1), default=0),
)


@dataclass(frozen=True, slots=True)
class Spending:
    """``cost_usd`` adds up what is known; ``unpriced`` judgments have no known price."""

    cost_usd: float
    unpriced: int
    input_tokens: int
    output_tokens: int
    unreadable: int


def run_spending(run: JudgeRun | ProbeRun) -> Spending:
    """One query over the run's rows."""
    is_done = Q(status=WorkStatus.DONE)
    if isinstance(run, JudgeRun):
        is_done &= Q(is_dry_run=False)
    found = run.items().aggregate(
        known_cost=Sum("cost_usd", default=0.0),
        n_unpriced=Count("id", filter=is_done & Q(cost_usd__isnull=True)),
        sent=Sum("input_tokens", default=0),
        received=Sum("output_tokens", default=0),
        n_unreadable=Count("id", filter=Q(status=WorkStatus.DONE, is_readable=False)),
    )
    return Spending(
        cost_usd=found["known_cost"],
        unpriced=found["n_unpriced"],
        input_tokens=found["sent"],
        output_tokens=found["received"],
        unreadable=found["n_unreadable"],
    )


def spent_by(run: JudgeRun | ProbeRun) -> Spent:
    """What the run's rows say that it has spent, in attempts that failed too."""
    found = run.items().aggregate(usd=Sum("cost_usd", default=0.0), calls=Sum(CALLS, default=0))
    return Spent(**found)


def seconds_since_start(run: JudgeRun | ProbeRun) -> float:
    """How long ago the run was started."""
    return (timezone.now() - run.started_at).total_seconds() if run.started_at else 0.0
