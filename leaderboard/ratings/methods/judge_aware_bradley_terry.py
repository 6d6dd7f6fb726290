"""Judge-aware Bradley–Terry: each judge with its own sharpness, position and length bias."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from leaderboard.ratings.both_bad import counted, excluded
from leaderboard.ratings.cells import Connectivity, HalfWins, PairTable
from leaderboard.ratings.clusters import plan_clusters
from leaderboard.ratings.comparisons import Comparisons
from leaderboard.ratings.intervals import Reach, describe_plan, sandwich
from leaderboard.ratings.judge_aware import (
    BiasPriors,
    JudgeDesign,
    fit_judges,
    judge_design,
    judge_scores,
)
from leaderboard.ratings.matrices import centring, pseudo_inverse
from leaderboard.ratings.meat import clustered_meat
from leaderboard.ratings.methods import rating_method
from leaderboard.ratings.newton import fit_strengths
from leaderboard.ratings.options import ScaleOptions
from leaderboard.ratings.ratings import Ratings, json_number, ranked
from leaderboard.ratings.scale import describe_groups, points_per_nat, to_points
from leaderboard.ratings.strengths import phantom_games, small_sample, top_up


class JudgeAwareOptions(ScaleOptions):
    """Settings of judge-aware Bradley–Terry."""

    discrimination_spread: float = Field(
        default=1.0,
        gt=0,
        description="Standard deviation of the prior on a judge's discrimination around 1.",
    )
    bias_spread: float = Field(
        default=2.0,
        gt=0,
        description="Standard deviation, in log-odds, of the prior on position and length bias.",
    )


@rating_method(
    "judge_aware_bradley_terry",
    label="Judge-aware Bradley–Terry",
    description="One set of strengths from many judges, each allowed its own sharpness and its "
    "own liking for the first or the longer answer.",
    options=JudgeAwareOptions,
    needs="comparisons",
)
def fit_judge_aware(rows: Comparisons, options: JudgeAwareOptions, seed: int) -> Ratings:
    """logit P(a beats b | judge k) = d_k·(θa - θb) + s_k·first + l_k·length.

    ``first`` is +1 where A was shown first, else -1; ``length`` the z-scored relative difference
    (FastChat's), zero where lengths are unknown. People (judge -1) have d = 1 and set the scale;
    without them the judge with most rows does. A judge no better than chance gets d near 0 and
    stops counting; a contrary one gets d < 0. Priors keep small judges finite: d ~ N(1, 1),
    s, l ~ N(0, 2²). Fisher scoring; cluster-robust sandwich with the expected curvature.
    ``diagnostics["judges"]`` maps each judge id to its three coefficients with intervals.
    Raises ConvergenceError.
    """
    used = counted(rows, options.both_bad)
    halves = HalfWins.of(PairTable.of(used).weight, both_bad_is_tie=True)
    connectivity = Connectivity.of(halves)
    phantom = phantom_games(connectivity, options, rows.models)
    design = judge_design(
        used, BiasPriors(options.discrimination_spread, options.bias_spread), phantom
    )
    m = rows.n_models
    start = fit_strengths(
        halves,
        connectivity,
        phantom_games=np.where(connectivity.component >= 0, 1.0, 0.0),
        with_bread=False,
    )
    parameters = np.concatenate([np.nan_to_num(start.strength), design.prior_mean[m:]])
    parameters, point, steps = fit_judges(design, parameters)
    plan = plan_clusters(used, options.cluster)
    meat = clustered_meat(judge_scores(design, point), plan)
    meat = top_up(meat, np.diag(point.curvature), connectivity)
    project = centring(connectivity, 3 * design.n_judges)
    bread = project @ pseudo_inverse(point.curvature) @ project.T
    extra = 3 * design.n_judges - 1
    covariance = small_sample(len(used), connectivity, extra) * sandwich(bread, meat)
    strength = (project @ parameters)[:m]
    estimate = to_points(
        np.where(connectivity.component >= 0, strength, np.nan),
        covariance[:m, :m],
        connectivity.component,
        models=rows.models,
        options=options,
        freedom=plan.fewest - 1,
    )
    reach = Reach(options.level, plan.fewest - 1)
    return ranked(
        estimate,
        options,
        method="judge_aware_bradley_terry",
        models=rows.models,
        counts=PairTable.of(rows).counts(),
        unit="points",
        diagnostics={
            "rows": len(rows),
            "excluded": excluded(rows, used),
            "reference_judge": int(design.labels[0]) if design.labels else None,
            "judges": _judges(design, parameters, covariance, reach, options),
            "newton_steps": steps,
            "largest_gradient": float(np.abs(point.gradient).max(initial=0.0)),
            **describe_groups(connectivity.component, connectivity.is_unbounded, rows.models),
            **describe_plan(plan),
        },
        seed=seed,
    )


def _judges(
    design: JudgeDesign,
    parameters: NDArray[np.float64],
    covariance: NDArray[np.float64],
    reach: Reach,
    options: ScaleOptions,
) -> dict[str, dict[str, Any]]:
    m, j = design.n_models, design.n_judges
    lower, upper = reach.ends(parameters, covariance)
    verdicts = np.bincount(design.judge, minlength=j)
    described: dict[str, dict[str, Any]] = {}
    for k, label in enumerate(design.labels):
        entry: dict[str, Any] = {"verdicts": int(verdicts[k])}
        for place, name in enumerate(("discrimination", "position", "length")):
            i = m + place * j + k
            is_fixed = place == 0 and k == 0
            entry[name] = {
                "estimate": float(parameters[i]),
                "lower": None if is_fixed else json_number(lower[i]),
                "upper": None if is_fixed else json_number(upper[i]),
            }
        entry["position_points"] = float(parameters[m + j + k] * points_per_nat(options.scale))
        described[str(label)] = entry
    return described
