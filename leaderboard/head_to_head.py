"""Two models against each other: how often, who won, and the battles themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from django.db.models import Count, Prefetch, Q, QuerySet

from arena.models import Battle, LanguageModel, Outcome, Vote
from judging.models import Judgment
from leaderboard.charts import PairCount
from leaderboard.models import Board
from leaderboard.selectors import battles_between
from leaderboard.services import board_query


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
        "battles": battles.prefetch_related(
            Prefetch("votes", Vote.objects.counted()),
            Prefetch(
                "judgments",
                Judgment.objects.counted().exclude(outcome="").select_related("judge"),
            ),
        ),
    }


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
