"""Average win rate: the share of battles won, ties as half, against whoever was met."""

import numpy as np
from pydantic import Field

from leaderboard.ratings.cells import Connectivity, HalfWins, PairTable
from leaderboard.ratings.clusters import plan_clusters
from leaderboard.ratings.comparisons import Comparisons, Outcome
from leaderboard.ratings.intervals import Reach, describe_plan
from leaderboard.ratings.means import Share, share_estimate, weighted_means
from leaderboard.ratings.methods import rating_method
from leaderboard.ratings.options import BothBad, ClusteredOptions
from leaderboard.ratings.ratings import Ratings, ranked
from leaderboard.ratings.scale import describe_groups
from leaderboard.ratings.strengths import SCORE_OF_A


class WinRateOptions(ClusteredOptions):
    """Settings of the average win rate."""

    both_bad: BothBad = Field(
        default="exclude", description="'Both are bad' is left out and counted, or read as a tie."
    )


@rating_method(
    "win_rate",
    label="Average win rate",
    description="The share of its battles a model won, a tie as half; easy opponents flatter it.",
    options=WinRateOptions,
    needs="comparisons",
)
def fit_win_rate(rows: Comparisons, options: WinRateOptions, seed: int) -> Ratings:
    """100 · (wins + ½ ties) / battles per model, with clustered Wilson intervals."""
    plan = plan_clusters(rows, options.cluster)
    value = 100 * SCORE_OF_A[rows.outcome]
    is_counted = (rows.outcome != Outcome.BOTH_BAD) | (options.both_bad == "tie")
    weight = np.where(is_counted, rows.weight, 0.0)
    shares = (Share(rows.model_a, value, weight), Share(rows.model_b, 100 - value, weight))
    means = weighted_means(rows.n_models, shares, plan)
    table = PairTable.of(rows)
    halves = HalfWins.of(table.weight, both_bad_is_tie=options.both_bad == "tie")
    connectivity = Connectivity.of(halves)
    return ranked(
        share_estimate(means, Reach(options.level, plan.fewest - 1), connectivity.component),
        options,
        method="win_rate",
        models=rows.models,
        counts=table.counts(),
        unit="percent",
        diagnostics={
            "rows": len(rows),
            "excluded": {"both_bad": int((~is_counted).sum())} if not is_counted.all() else {},
            **describe_groups(connectivity.component, connectivity.is_unbounded, rows.models),
            **describe_plan(plan),
        },
        seed=seed,
    )
