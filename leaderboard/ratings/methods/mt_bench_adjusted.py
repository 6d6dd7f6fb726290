"""MT-bench adjusted win rate: two games per question, a win only if both orders agree."""

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from leaderboard.ratings.both_bad import counted, excluded
from leaderboard.ratings.cells import Connectivity, HalfWins, PairTable
from leaderboard.ratings.clusters import plan_clusters
from leaderboard.ratings.comparisons import UNKNOWN, Comparisons, Outcome
from leaderboard.ratings.intervals import Reach, describe_plan
from leaderboard.ratings.means import Share, share_estimate, weighted_means
from leaderboard.ratings.methods import rating_method
from leaderboard.ratings.options import BothBad, ClusteredOptions
from leaderboard.ratings.ratings import Ratings, ranked
from leaderboard.ratings.scale import describe_groups
from leaderboard.ratings.strengths import SCORE_OF_A


class MtBenchOptions(ClusteredOptions):
    """Settings of the adjusted win rate."""

    both_bad: BothBad = Field(
        default="exclude", description="'Both are bad' is left out and counted, or read as a tie."
    )


@rating_method(
    "mt_bench_adjusted",
    label="MT-bench adjusted win rate",
    description="The share of questions won, where the judge must prefer the same answer in both "
    "orders and anything else is a tie, a tie counting half.",
    options=MtBenchOptions,
    needs="comparisons",
)
def fit_mt_bench_adjusted(rows: Comparisons, options: MtBenchOptions, seed: int) -> Ratings:
    """(wins + ½ ties) / all over combined games (FastChat llm_judge, show_result.py).

    ``combine_games`` makes one row of the games of a question between two models by one judge or
    voter. ``diagnostics["inconsistent"]`` counts the questions on which the orders disagreed.
    """
    used = counted(rows, options.both_bad)
    combined, n_inconsistent = combine_games(used)
    plan = plan_clusters(combined, options.cluster)
    value = 100 * SCORE_OF_A[combined.outcome]
    shares = (
        Share(combined.model_a, value, combined.weight),
        Share(combined.model_b, 100 - value, combined.weight),
    )
    means = weighted_means(rows.n_models, shares, plan)
    table = PairTable.of(combined)
    connectivity = Connectivity.of(HalfWins.of(table.weight, both_bad_is_tie=True))
    return ranked(
        share_estimate(means, Reach(options.level, plan.fewest - 1), connectivity.component),
        options,
        method="mt_bench_adjusted",
        models=rows.models,
        counts=table.counts(),
        unit="percent",
        diagnostics={
            "rows": len(rows),
            "combined": len(combined),
            "inconsistent": n_inconsistent,
            "excluded": excluded(rows, used),
            **describe_groups(connectivity.component, connectivity.is_unbounded, rows.models),
            **describe_plan(plan),
        },
        seed=seed,
    )


def combine_games(rows: Comparisons) -> tuple[Comparisons, int]:
    """One row per question, pair and decider, and how many of them disagreed.

    All games for one side make a win; anything else is a tie. A row whose question is unknown
    stands alone, since nothing says which other game it belongs to.
    """
    low = np.minimum(rows.model_a, rows.model_b)
    high = np.maximum(rows.model_a, rows.model_b)
    alone = np.where(rows.question == UNKNOWN, np.arange(len(rows)), -1)
    key = np.stack([rows.question, low, high, rows.judge, rows.voter, alone], axis=1)
    _, first, group = np.unique(key, axis=0, return_index=True, return_inverse=True)
    points = SCORE_OF_A[rows.outcome]
    points = np.where(rows.model_a == low, points, 1 - points)
    best = _extreme(points, group.ravel(), first.size, np.maximum)
    worst = _extreme(points, group.ravel(), first.size, np.minimum)
    outcome = np.where(worst == 1, Outcome.MODEL_A, Outcome.TIE)
    outcome = np.where(best == 0, Outcome.MODEL_B, outcome)
    combined = rows.select(first).replace(
        model_a=low[first], model_b=high[first], outcome=outcome.astype(np.int8)
    )
    return combined, int((best != worst).sum())


def _extreme(
    points: NDArray[np.float64], group: NDArray[np.intp], n: int, pick: np.ufunc
) -> NDArray[np.float64]:
    found = np.full(n, -np.inf if pick is np.maximum else np.inf)
    pick.at(found, group, points)
    return found
