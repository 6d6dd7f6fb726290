"""Arena-Hard v0.1: Bradley–Terry on weighted verdicts, read as a win rate against a baseline."""

from pydantic import Field

from leaderboard.ratings.baseline import find_baseline, pin_baseline, predicted_win_rates
from leaderboard.ratings.cells import PairTable
from leaderboard.ratings.clusters import plan_clusters
from leaderboard.ratings.comparisons import Comparisons
from leaderboard.ratings.intervals import Reach, describe_plan
from leaderboard.ratings.methods import rating_method
from leaderboard.ratings.methods.arena_hard_v2 import ArenaHardOptions, counted_weight, reweighted
from leaderboard.ratings.methods.bradley_terry import BradleyTerryOptions, fit_bradley_terry
from leaderboard.ratings.ratings import Ratings, ranked


class ArenaHardV01Options(ArenaHardOptions):
    """Settings of Arena-Hard v0.1."""

    level: float = Field(
        default=0.95, gt=0, lt=1, description="Coverage; v0.1 publishes 95 % intervals."
    )


@rating_method(
    "arena_hard_v0_1",
    label="Arena-Hard v0.1",
    description="The chance of beating a fixed opponent that Bradley–Terry predicts from the "
    "judge's verdicts, a strong one counting three times.",
    options=ArenaHardV01Options,
    needs="comparisons",
)
def fit_arena_hard_v0_1(rows: Comparisons, options: ArenaHardV01Options, seed: int) -> Ratings:
    """100 · σ(θ_model - θ_baseline) with strong verdicts weighing three (arena-hard-auto v0.1).

    Differs from the published script in the interval (clustered, not a bootstrap of rows) and in
    giving unbounded models the phantom-draw prior where logistic regression would run on.
    """
    baseline = find_baseline(rows, options.baseline)
    plan = plan_clusters(rows, options.cluster)
    weighted = reweighted(rows, counted_weight(rows, options.both_bad))
    settings = BradleyTerryOptions(
        cluster=options.cluster, level=options.level, both_bad=options.both_bad
    )
    fit = fit_bradley_terry(weighted, settings, seed)
    reach = Reach(options.level, plan.fewest - 1)
    estimate = predicted_win_rates(fit, baseline.index, reach, scale=settings.scale)
    return ranked(
        pin_baseline(estimate, baseline.index),
        options,
        method="arena_hard_v0_1",
        models=rows.models,
        counts=PairTable.of(rows).counts(),
        unit="percent",
        diagnostics={
            **fit.diagnostics,
            "baseline": rows.models[baseline.index],
            **describe_plan(plan),
        },
        seed=seed,
    )
