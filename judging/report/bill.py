"""What a run has cost, what it did not have to pay for, and what failed or could not be read."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from django.db.models import Count, Q, Sum

from arena.models import WorkStatus
from judging.batch_desk import requests_in
from judging.model_costs import ModelCost, model_costs
from judging.models import JudgeBatch, JudgeRun, Judgment, JudgmentQuerySet
from judging.spending import CALLS


@dataclass(frozen=True, slots=True)
class Bill:
    """Money in US dollars; ``usd`` adds up what is known, ``unpriced`` judgments are not in it.

    ``there_before`` judgments were made by earlier runs, ``from_cache`` took a reply that was paid
    for already, ``asked_again`` were read at the second try only. ``mean_latency_s`` is that of a
    call, of which a judgment may take several; ``wall_s`` runs from start to finish, None before
    it has finished. ``by_model`` is empty where one model is asked.
    """

    judged: int
    usd: float
    unpriced: int
    expected_usd: float | None
    expected_usd_at_most: float | None
    input_tokens: int
    output_tokens: int
    there_before: int
    from_cache: int
    asked_again: int
    batches: int
    batch_requests: int
    mean_latency_s: float | None
    wall_s: float | None
    by_model: list[ModelCost]

    @property
    def usd_per_1000(self) -> float | None:
        """Of a thousand judgments, where every one has a known price."""
        return None if self.unpriced or not self.judged else 1000 * self.usd / self.judged


def bill_of(run: JudgeRun) -> Bill:
    """Three queries: over the run's rows, what their models cost, and its batches."""
    is_done = Q(status=WorkStatus.DONE)
    is_unpriced = is_done & Q(cost_usd__isnull=True, is_dry_run=False)
    was_unreadable = Q(metadata__has_key="unreadable_replies")
    found = run.items().aggregate(
        judged=Count("id", filter=is_done),
        usd=Sum("cost_usd", default=0.0),
        unpriced=Count("id", filter=is_unpriced),
        input_tokens=Sum("input_tokens", default=0),
        output_tokens=Sum("output_tokens", default=0),
        from_cache=Count("id", filter=is_done & Q(metadata__has_key="reused_replies")),
        asked_again=Count("id", filter=was_unreadable & Q(is_readable=True)),
        seconds=Sum("latency_s"),
        calls=Sum(CALLS, default=0),
    )
    seconds, calls = found.pop("seconds"), found.pop("calls")
    batches = list(JudgeBatch.objects.filter(run=run))
    ended, began = run.finished_at, run.started_at
    return Bill(
        **found,
        expected_usd=run.plan.get("money"),
        expected_usd_at_most=run.plan.get("money_at_most"),
        there_before=run.reused,
        batches=len(batches),
        batch_requests=requests_in(batches),
        wall_s=(ended - began).total_seconds() if ended and began else None,
        mean_latency_s=seconds / calls if seconds and calls else None,
        by_model=model_costs(Judgment.objects.filter(run=run)),
    )


@dataclass(frozen=True, slots=True)
class UnreadableGroup:
    """Replies that could not be read for one reason, and the first of them."""

    reason: str
    count: int
    share: float
    example: str


def unreadable_groups(judgments: JudgmentQuerySet, *, done: int) -> list[UnreadableGroup]:
    """Why replies could not be read, the most frequent reason first; at most two queries."""
    found: defaultdict[str, list[int]] = defaultdict(list)
    rows = judgments.unreadable().order_by("id").values_list("id", "metadata__reason")
    for pk, reason in rows:
        found[reason or ""].append(pk)
    firsts = [ids[0] for ids in found.values()]
    texts = dict(judgments.model.objects.filter(pk__in=firsts).values_list("id", "raw_text"))
    return [
        UnreadableGroup(reason, len(ids), len(ids) / done, texts[ids[0]])
        for reason, ids in sorted(found.items(), key=lambda entry: (-len(entry[1]), entry[0]))
    ]
