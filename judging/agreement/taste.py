"""Does a judge prefer length, lists or its own family?"""

import re
from collections.abc import Sequence

from judging.agreement.estimates import (
    DEFAULT_ROUNDS,
    Clusters,
    Estimate,
    mean,
    proportion,
    require_same_length,
)
from judging.verdicts.base import Outcome
from judging.verdicts.reading import without_code

_LIST_ITEM = re.compile(r"^[ \t]*(?:[-*+]|\d+[.)])[ \t]+\S", re.MULTILINE)


def preference_for_more(
    outcomes: Sequence[Outcome],
    amount_a: Sequence[float],
    amount_b: Sequence[float],
    clusters: Clusters,
    *,
    seed: int = 0,
    rounds: int = DEFAULT_ROUNDS,
) -> Estimate:
    """The share of decided battles won by the side that has more (characters, list items…).

    Battles with equal amounts and ties are left out; 1/2 means no preference. It mixes taste with
    merit (long answers can be better): compare it with the same figure of people, 0.64 for length
    on AlpacaEval.
    """
    require_same_length(outcomes=outcomes, a=amount_a, b=amount_b, clusters=clusters)
    hits, kept = [], []
    for outcome, a, b, cluster in zip(outcomes, amount_a, amount_b, clusters, strict=True):
        if outcome.is_decisive and a != b:
            hits.append((outcome is Outcome.MODEL_A) == (a > b))
            kept.append(cluster)
    return proportion(hits, kept, seed=seed, rounds=rounds)


def family_self_preference(
    judged: Sequence[Outcome],
    by_others: Sequence[Outcome],
    is_own_a: Sequence[bool],
    clusters: Clusters,
    *,
    seed: int = 0,
    rounds: int = DEFAULT_ROUNDS,
) -> Estimate:
    """How much more often the judge lets its own family win than others do, in win rate.

    Over battles with exactly one side of the judge's family, which the judge and others (people,
    or judges of other families) both decided; ties count half. 0 means no preference; Zheng et al.
    2023 report 0.10 for GPT-4.
    """
    require_same_length(judged=judged, others=by_others, own=is_own_a, clusters=clusters)
    gaps = [
        _own_share(own, is_a) - _own_share(others, is_a)
        for own, others, is_a in zip(judged, by_others, is_own_a, strict=True)
    ]
    return mean(gaps, clusters, seed=seed, rounds=rounds)


def count_list_items(text: str) -> int:
    """Lines that start like a Markdown list item, outside code."""
    return len(_LIST_ITEM.findall(without_code(text)))


def _own_share(outcome: Outcome, is_own_a: bool) -> float:
    if not outcome.is_decisive:
        return 0.5
    return float((outcome is Outcome.MODEL_A) == is_own_a)
