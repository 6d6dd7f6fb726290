"""Speed as users met it: mean figures of the answers that live battles waited for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.core.cache import cache
from django.db.models import Avg, Count, F, FloatField, Q
from django.db.models.functions import Cast

from arena.models import Answer, AnswerOrigin, WorkStatus

KEPT_FOR_S: Final = 600
"""The means run over every stored answer, which with millions of them takes seconds."""


@dataclass(frozen=True, slots=True)
class UsersMet:
    """Mean figures of the answers of live battles: speed as users met it, and tokens per answer."""

    answers: int
    ttft_s: float | None
    tpot_s: float | None
    input_tokens: float | None
    output_tokens: float | None


def users_met(model_ids: Sequence[int]) -> dict[int, UsersMet]:
    """``figures_met`` of these models, at most ten minutes old."""
    figures: dict[int, UsersMet] | None = cache.get("users-met")
    if figures is None:
        figures = figures_met()
        cache.set("users-met", figures, KEPT_FOR_S)
    return {pk: figures[pk] for pk in model_ids if pk in figures}


def figures_met() -> dict[int, UsersMet]:
    """Per model the means over its stored answers; timings of live battles only."""
    live = Q(origin=AnswerOrigin.LIVE, ttft_s__isnull=False)
    decoding = (F("latency_s") - F("ttft_s")) / (Cast("output_tokens", FloatField()) - 1)
    rows = (
        Answer.objects.filter(status=WorkStatus.DONE)
        .order_by()
        .values("model_id")
        .annotate(
            n=Count("id", filter=live),
            ttft=Avg("ttft_s", filter=live),
            tpot=Avg(decoding, filter=live & Q(latency_s__gt=F("ttft_s"), output_tokens__gt=1)),
            tokens_in=Avg("input_tokens"),
            tokens_out=Avg("output_tokens"),
        )
    )
    return {
        row["model_id"]: UsersMet(
            row["n"], row["ttft"], row["tpot"], row["tokens_in"], row["tokens_out"]
        )
        for row in rows
    }
