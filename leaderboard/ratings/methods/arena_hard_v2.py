"""Arena-Hard v2: the weighted win rate against a baseline, strong verdicts counting three."""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from leaderboard.ratings.baseline import Baseline, find_baseline, pin_baseline, predicted_win_rates
from leaderboard.ratings.cells import PairTable
from leaderboard.ratings.clusters import ClusterPlan, plan_clusters
from leaderboard.ratings.comparisons import Comparisons, Outcome
from leaderboard.ratings.intervals import Reach, describe_plan
from leaderboard.ratings.means import share_ends, weighted_means
from leaderboard.ratings.methods import rating_method
from leaderboard.ratings.methods.style_control import StyleControlOptions, fit_style_control
from leaderboard.ratings.options import BothBad, ClusteredOptions
from leaderboard.ratings.ratings import Estimate, Ratings, ranked
from leaderboard.ratings.strengths import SCORE_OF_A


class ArenaHardOptions(ClusteredOptions):
    """Settings of both Arena-Hard scores."""

    level: float = Field(
        default=0.9, gt=0, lt=1, description="Coverage; Arena-Hard v2 publishes 90 % intervals."
    )
    baseline: str | None = Field(
        default=None, description="The fixed opponent; by default the model with most battles."
    )
    both_bad: BothBad = Field(
        default="exclude", description="'Both are bad' is left out and counted, or read as a tie."
    )


class ArenaHardV2Options(ArenaHardOptions):
    """Settings of Arena-Hard v2."""

    style: bool = Field(
        default=False, description="Hold length and markdown equal, as 'with style control' does."
    )
    interval: Literal["clustered", "published"] = Field(
        default="clustered",
        description="Intervals that know both games of a question lean on each other, or the "
        "published bootstrap over single rows, which is about half as wide as it should be.",
    )
    rounds: int = Field(default=100, ge=10, description="Rounds of the published bootstrap.")


def counted_weight(rows: Comparisons, both_bad: BothBad) -> NDArray[np.float64]:
    """float64[n], a strong verdict weighs three rows (published as a free choice)."""
    weight: NDArray[np.float64] = rows.weight * rows.strength
    if both_bad == "exclude":
        weight = np.where(rows.outcome == Outcome.BOTH_BAD, 0.0, weight)
    return weight


def reweighted(rows: Comparisons, weight: NDArray[np.float64]) -> Comparisons:
    """``rows`` with other weights."""
    return rows.replace(weight=weight)


@rating_method(
    "arena_hard_v2",
    label="Arena-Hard v2",
    description="The share of questions won against a fixed opponent, a strong verdict counting "
    "three times.",
    options=ArenaHardV2Options,
    needs="comparisons",
)
def fit_arena_hard_v2(rows: Comparisons, options: ArenaHardV2Options, seed: int) -> Ratings:
    """100 · mean of the exploded verdicts (arena-hard-auto v2, show_result.py).

    A win, tie or loss is 1, ½ or 0, three times over when strong. The baseline is 50 by
    definition. With ``style``: Bradley–Terry with arena-hard v2's covariates on the weighted
    rows, reported as the predicted win rate against the baseline.
    """
    baseline = find_baseline(rows, options.baseline)
    plan = plan_clusters(rows, options.cluster)
    weight = counted_weight(rows, options.both_bad)
    if options.style:
        estimate, extra = _with_style(rows, weight, baseline, options, plan)
    else:
        estimate, extra = _plain(rows, weight, baseline, options, plan, seed=seed)
    return ranked(
        pin_baseline(estimate, baseline.index),
        options,
        method="arena_hard_v2",
        models=rows.models,
        counts=PairTable.of(rows).counts(),
        unit="percent",
        diagnostics={"rows": len(rows), **baseline.describe(rows), **extra, **describe_plan(plan)},
        seed=seed,
    )


def _plain(
    rows: Comparisons,
    weight: NDArray[np.float64],
    baseline: Baseline,
    options: ArenaHardV2Options,
    plan: ClusterPlan,
    *,
    seed: int,
) -> tuple[Estimate, dict[str, Any]]:
    share = baseline.shares(SCORE_OF_A[rows.outcome], weight)
    percent = type(share)(share.model, 100 * share.value, share.weight)
    means = weighted_means(rows.n_models, (percent,), plan)
    lower, upper = share_ends(means, Reach(options.level, plan.fewest - 1))
    if options.interval == "published":
        rng = np.random.default_rng(seed)
        for model in np.flatnonzero(means.weight > 0):
            mine = (share.model == model) & (share.weight > 0)
            exploded = np.repeat(percent.value[mine], np.rint(share.weight[mine]).astype(np.intp))
            drawn = rng.choice(exploded, (options.rounds, exploded.size)).mean(axis=1)
            tail = (1 - options.level) / 2
            lower[model], upper[model] = np.quantile(drawn, [tail, 1 - tail])
    component = np.where(means.weight > 0, 0, -1).astype(np.int64)
    component[baseline.index] = 0
    estimate = Estimate(
        rating=means.mean,
        lower=lower,
        upper=upper,
        covariance=means.covariance,
        component=component,
    )
    return estimate, {}


def _with_style(
    rows: Comparisons,
    weight: NDArray[np.float64],
    baseline: Baseline,
    options: ArenaHardV2Options,
    plan: ClusterPlan,
) -> tuple[Estimate, dict[str, Any]]:
    weighted = reweighted(rows, np.where(baseline.is_row, weight, 0.0))
    style = StyleControlOptions(
        convention="arena_hard_v2",
        cluster=options.cluster,
        level=options.level,
        both_bad=options.both_bad,
    )
    fit = fit_style_control(weighted, style, 0)
    reach = Reach(options.level, plan.fewest - 1)
    estimate = predicted_win_rates(fit, baseline.index, reach, scale=style.scale)
    return estimate, {"style": fit.diagnostics["style"]}
