"""What each model has cost where a judge asks several, read from its judgments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from judging.models import JudgmentQuerySet

SPENT = "metadata__spent_by_model"


@dataclass(slots=True)
class ModelCost:
    """One model's part; ``usd`` adds up what is known, ``unpriced`` judgments are not in it."""

    model: str
    judgments: int = 0
    calls: int = 0
    usd: float = 0.0
    unpriced: int = 0
    input_tokens: int = 0
    output_tokens: int = 0


def model_costs(judgments: JudgmentQuerySet) -> list[ModelCost]:
    """By model, the dearest first; empty where one model is asked. One query."""
    told = judgments.filter(metadata__has_key="spent_by_model").order_by()
    return added_up(told.values_list(SPENT, flat=True))


def added_up(rows: Iterable[Mapping[str, Mapping[str, Any]]]) -> list[ModelCost]:  # JSON
    """The sums over judgments' own splits."""
    found: dict[str, ModelCost] = {}
    for row in rows:
        for slug, share in row.items():
            cost = found.setdefault(slug, ModelCost(slug))
            cost.judgments += 1
            cost.calls += share["calls"]
            cost.usd += share["usd"] or 0.0
            cost.unpriced += share["usd"] is None
            cost.input_tokens += share["input_tokens"]
            cost.output_tokens += share["output_tokens"]
    return sorted(found.values(), key=lambda cost: (-cost.usd, cost.model))
