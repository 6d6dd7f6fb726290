"""Two models against each other: how often, who won, and the battles themselves."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import Any

from django.db.models import Count, Prefetch, Q, QuerySet
from scipy.special import ndtr

from arena.models import Battle, LanguageModel, Outcome, Vote
from judging.models import Judgment
from leaderboard.charts import PairCount
from leaderboard.models import Board, Evidence
from leaderboard.pairs import variance_of_difference
from leaderboard.selectors import battles_between
from leaderboard.services import latest_snapshot
from leaderboard.slices import board_query, slice_key


def head_to_head_page(
    board: Board, overrides: Mapping[str, str], first: LanguageModel, second: LanguageModel
) -> dict[str, Any]:
    """Template context: the tallies by people and by judges, and the battles behind them."""
    query = board_query(board, overrides)
    battles = battles_between(query, first, second)
    counted = Battle.objects.filter(pk__in=battles.order_by().values("pk"))
    votes = Vote.objects.counted().filter(battle__in=counted)
    verdicts = Judgment.objects.counted().filter(battle__in=counted).exclude(outcome="")
    tallies = []
    if query.source in ("people", "combined"):
        tallies.append(("people", _tally(votes, first, second)))
    if query.source in ("judges", "combined"):
        if query.judges:
            verdicts = verdicts.filter(judge__slug__in=query.judges)
        tallies.append(("judges", _tally(verdicts, first, second)))
    return {
        "board": board,
        "first": first,
        "second": second,
        "tallies": tallies,
        "chance_above": chance_above(board, overrides, first, second),
        "battles": battles.prefetch_related(
            Prefetch("votes", Vote.objects.counted()),
            Prefetch(
                "judgments",
                Judgment.objects.counted().exclude(outcome="").select_related("judge"),
            ),
        ),
    }


def chance_above(
    board: Board, overrides: Mapping[str, str], first: LanguageModel, second: LanguageModel
) -> float | None:
    """Probability that ``first`` is truly above ``second``; None where it cannot be told.

    Read off the newest snapshot of the slice: the normal distribution of the difference of the
    two ratings, by their joint covariance.
    """
    snapshot = latest_snapshot(board, slice_key(overrides)) or latest_snapshot(board)
    if snapshot is None:
        return None
    rows = {row.model_id: row for row in snapshot.ratings.filter(model__in=(first, second))}
    if len(rows) < 2 or len({row.details.get("component") for row in rows.values()}) > 1:
        return None
    evidence = Evidence.objects.only("model_slugs", "covariance").get(snapshot=snapshot)
    places = [evidence.model_slugs.index(model.slug) for model in (first, second)]
    variance = variance_of_difference(bytes(evidence.covariance), *places)
    if variance is None or variance <= 0:
        return None
    gap = rows[first.pk].rating - rows[second.pk].rating
    return float(ndtr(gap / math.sqrt(variance)))


def _tally(rows: QuerySet[Any], first: LanguageModel, second: LanguageModel) -> PairCount:
    """Outcomes turned so that ``first`` is side A, whichever side it stood on."""
    counts: Counter[str] = Counter()
    grouped = (
        rows.order_by()
        .values_list("outcome", "battle__model_a_id")
        .annotate(n=Count("id", filter=Q(outcome__gt="")))
    )
    for outcome, model_a_id, n in grouped:
        counts[_turned(outcome, is_turned=model_a_id == second.pk)] += n
    return PairCount(
        model_a=first.slug,
        model_b=second.slug,
        battles=sum(counts.values()),
        wins_a=counts[Outcome.MODEL_A],
        wins_b=counts[Outcome.MODEL_B],
        ties=counts[Outcome.TIE],
        both_bad=counts[Outcome.BOTH_BAD],
    )


def _turned(outcome: str, *, is_turned: bool) -> str:
    if not is_turned:
        return outcome
    turned = {Outcome.MODEL_A: Outcome.MODEL_B, Outcome.MODEL_B: Outcome.MODEL_A}
    return turned.get(Outcome(outcome), Outcome(outcome))
