"""Judge-calibrated ratings: human preferences, sharpened by many machine verdicts."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.special import expit

from leaderboard.ratings.calibration import (
    Calibration,
    calibrated_points,
    join_sources,
    score_parts,
)
from leaderboard.ratings.cells import Connectivity, HalfWins, PairTable
from leaderboard.ratings.clusters import ClusterPlan, plan_clusters
from leaderboard.ratings.comparisons import Comparisons
from leaderboard.ratings.intervals import describe_plan, sandwich
from leaderboard.ratings.meat import RowScores, clustered_meat
from leaderboard.ratings.methods import rating_method
from leaderboard.ratings.newton import StrengthFit, fit_strengths
from leaderboard.ratings.options import ScaleOptions
from leaderboard.ratings.ratings import Ratings, json_number, ranked
from leaderboard.ratings.scale import describe_groups, points_per_nat, to_points
from leaderboard.ratings.strengths import phantom_games, small_sample, top_up


class JudgeCalibratedOptions(ScaleOptions):
    """Settings of judge-calibrated ratings. "Both bad" is always left out here."""

    power: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="How far the judges are believed: 0 ignores them; by default the value that "
        "makes the intervals narrowest.",
    )


@rating_method(
    "judge_calibrated",
    label="Judge-calibrated",
    description="What people prefer, estimated from few human votes and many machine verdicts; "
    "a biased judge cannot shift it, only fail to help.",
    options=JudgeCalibratedOptions,
    needs="comparisons",
)
def fit_judge_calibrated(rows: Comparisons, options: JudgeCalibratedOptions, seed: int) -> Ratings:
    """Bradley–Terry on human votes corrected by judges (PPI++, see ``calibration``).

    λ minimises the summed variance of the ratings at the human-only fit, limited to [0, 1], so
    that for many votes the intervals are never wider than the human-only ones. They hold if,
    within a pair of models, the battles people voted on are a fair draw of those judged.
    ``diagnostics["calibration"]`` reports λ, the matched votes, how much narrower the intervals
    are, and the judges' mean bias. Without matched votes λ is 0 and this is plain
    Bradley–Terry on the human votes.
    """
    join = join_sources(rows)
    human_rows = rows.select(join.human.rows)
    halves = HalfWins.of(PairTable.of(human_rows).weight, both_bad_is_tie=False)
    connectivity = Connectivity.of(halves)
    phantom = phantom_games(connectivity, options, rows.models)
    human_fit = fit_strengths(halves, connectivity, phantom_games=phantom)
    plan = plan_clusters(rows, options.cluster)
    scale = small_sample(len(human_rows), connectivity)
    parts = _meats(join, rows, human_fit, plan)
    own = top_up(parts[0], human_fit.curvature_diagonal, connectivity)
    human_only = scale * sandwich(human_fit.bread, own)
    power = _best_power(human_fit.bread, parts) if options.power is None else options.power
    points = calibrated_points(join, power)
    fit = fit_strengths(
        HalfWins(points, halves.games),
        connectivity,
        phantom_games=phantom,
        start=human_fit.strength,
    )
    meat = _combined(_meats(join, rows, fit, plan), power)
    covariance = scale * sandwich(fit.bread, top_up(meat, fit.curvature_diagonal, connectivity))
    estimate = to_points(
        fit.strength,
        covariance,
        connectivity.component,
        models=rows.models,
        options=options,
        freedom=plan.fewest - 1,
    )
    return ranked(
        estimate,
        options,
        method="judge_calibrated",
        models=rows.models,
        counts=PairTable.of(human_rows).counts(),
        unit="points",
        diagnostics={
            "rows": len(rows),
            "calibration": _describe(join, power, human_only, covariance, options),
            **describe_groups(connectivity.component, connectivity.is_unbounded, rows.models),
            **describe_plan(plan),
        },
        seed=seed,
    )


Meats = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]


def _meats(join: Calibration, rows: Comparisons, fit: StrengthFit, plan: ClusterPlan) -> Meats:
    """Clustered meats of the human scores, the control, and their sum of cross products."""
    gap = np.nan_to_num(fit.strength[:, None] - fit.strength[None, :])
    parts = score_parts(join, rows, expit(gap), power=1.0)

    def meat(values: NDArray[np.float64]) -> NDArray[np.float64]:
        scores = RowScores.of_pairs(rows.n_models, parts.low, parts.high, values)
        return clustered_meat(scores, plan)

    own, control = meat(parts.human), meat(parts.control)
    together = meat(parts.human + parts.control)
    return own, control, (together - own - control) / 2


def _combined(meats: Meats, power: float) -> NDArray[np.float64]:
    own, control, cross = meats
    total: NDArray[np.float64] = own - 2 * power * cross + power**2 * control
    return total


def _best_power(bread: NDArray[np.float64], meats: Meats) -> float:
    """λ = tr(HCH)/tr(HVH), the least summed variance (PPI++, proposition 2), within [0, 1]."""
    _, control, cross = meats
    spread = float(np.trace(bread @ control @ bread))
    if spread <= 0:
        return 0.0
    return float(np.clip(np.trace(bread @ cross @ bread) / spread, 0.0, 1.0))


def _describe(
    join: Calibration,
    power: float,
    human_only: NDArray[np.float64],
    covariance: NDArray[np.float64],
    options: ScaleOptions,
) -> dict[str, Any]:
    matched = join.is_matched
    bias = join.human.verdict[matched] - join.human.taken[matched]
    before, after = float(np.trace(human_only)), float(np.trace(covariance))
    error = points_per_nat(options.scale) * np.sqrt(np.clip(np.diag(human_only), 0, None))
    return {
        "power": power,
        "human_votes": int(join.human.rows.size),
        "matched_votes": int(matched.sum()),
        "judged_battles": int(join.judged.row.size),
        "mean_bias": json_number(float(bias.mean())) if bias.size else None,
        "mean_absolute_gap": json_number(float(np.abs(bias).mean())) if bias.size else None,
        "variance_ratio": json_number(after / before) if before > 0 else None,
        "human_only_standard_error": [json_number(value) for value in error],
    }
