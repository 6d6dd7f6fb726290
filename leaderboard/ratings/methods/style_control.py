"""Style control: strengths with length, markdown and position held equal."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from leaderboard.ratings.both_bad import counted, excluded
from leaderboard.ratings.cells import Connectivity, HalfWins, PairTable
from leaderboard.ratings.clusters import plan_clusters
from leaderboard.ratings.comparisons import Comparisons
from leaderboard.ratings.contextual import (
    ContextualData,
    ContextualFit,
    fit_contextual,
    row_residuals,
)
from leaderboard.ratings.intervals import Reach, describe_plan, sandwich
from leaderboard.ratings.matrices import centring
from leaderboard.ratings.meat import RowScores, clustered_meat
from leaderboard.ratings.methods import rating_method
from leaderboard.ratings.newton import fit_strengths
from leaderboard.ratings.options import ScaleOptions
from leaderboard.ratings.ratings import Ratings, json_number, ranked
from leaderboard.ratings.scale import describe_groups, points_per_nat, to_points
from leaderboard.ratings.strengths import SCORE_OF_A, phantom_games, small_sample, top_up
from leaderboard.ratings.style import (
    CONVENTIONS,
    STYLE,
    ConventionName,
    Covariates,
    StyleConvention,
    style_covariates,
)

MIN_PAIR_COUNT: Final = 50
"""arena-rank's floor under the battles of a pair when pairs are balanced."""


class StyleControlOptions(ScaleOptions):
    """Settings of style control."""

    convention: ConventionName = Field(
        default="fastchat",
        description="Whose differences, normalisation and penalty: FastChat's, the arena-rank "
        "notebook's, or arena-hard v2's.",
    )
    features: tuple[str, ...] | None = Field(
        default=None,
        description="Features held equal; by default those of length, headers, lists and bold "
        "that the battles carry.",
    )
    position: bool = Field(
        default=False, description="Also estimate the advantage of the answer shown first."
    )


@rating_method(
    "style_control",
    label="Style control",
    description="Bradley–Terry strengths as they would be if both answers had the same length "
    "and formatting.",
    options=StyleControlOptions,
    needs="comparisons",
)
def fit_style_control(rows: Comparisons, options: StyleControlOptions, seed: int) -> Ratings:
    """Contextual Bradley–Terry: logit P(a beats b) = θa - θb + x·β, ties as half a win.

    x: z-scored relative differences by the named convention (``style``), plus the position term.
    Covariance: cluster-robust sandwich over strengths and coefficients together, which widens
    the ratings by what is not known about the coefficients. ``diagnostics["style"]`` holds each
    coefficient in log-odds per standard deviation. Covariates that repeat each other share
    their effect by the smallest-norm solution.
    """
    convention = CONVENTIONS[options.convention]
    features = options.features
    if features is None:
        features = tuple(name for name in STYLE if rows.has_feature(name))
    used = counted(rows, options.both_bad)
    table = PairTable.of(used)
    halves = HalfWins.of(table.weight, both_bad_is_tie=True)
    connectivity = Connectivity.of(halves)
    phantom = phantom_games(connectivity, options, rows.models)
    if convention.strength_penalty:
        phantom = np.zeros_like(phantom)
    covariates = style_covariates(used, features, convention, with_position=options.position)
    data = _data(used, covariates, convention, connectivity, phantom)
    plain = fit_strengths(
        halves,
        connectivity,
        phantom_games=np.where(connectivity.component >= 0, 1.0, 0.0),
        with_bread=False,
    )
    start = np.concatenate([np.nan_to_num(plain.strength), np.zeros(len(covariates.names))])
    fit = fit_contextual(data, start)
    plan = plan_clusters(used, options.cluster)
    covariance = _covariance(data, fit, connectivity, clustered_meat(_scores(data, fit), plan))
    m = rows.n_models
    strength = np.where(connectivity.component >= 0, fit.parameters[:m], np.nan)
    estimate = to_points(
        strength,
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
        method="style_control",
        models=rows.models,
        counts=PairTable.of(rows).counts(),
        unit="points",
        diagnostics={
            "rows": len(rows),
            "excluded": excluded(rows, used),
            "convention": convention.name,
            "style": _coefficients(fit, covariance, covariates, reach, options),
            "constant_features": list(covariates.constant),
            "newton_steps": fit.steps,
            "largest_gradient": fit.gradient,
            **describe_groups(connectivity.component, connectivity.is_unbounded, rows.models),
            **describe_plan(plan),
        },
        seed=seed,
    )


def _data(
    rows: Comparisons,
    covariates: Covariates,
    convention: StyleConvention,
    connectivity: Connectivity,
    phantom: NDArray[np.float64],
) -> ContextualData:
    weight = _balanced(rows) if convention.balances_pairs else rows.weight
    m, k = rows.n_models, len(covariates.names)
    penalty = np.concatenate(
        [np.full(m, convention.strength_penalty), np.full(k, convention.feature_penalty)]
    )
    if convention.is_per_row:
        penalty *= float(weight.sum())
    if "position" in covariates.names:
        penalty[-1] = 0.0
    return ContextualData(
        n_models=m,
        model_a=rows.model_a,
        model_b=rows.model_b,
        score=SCORE_OF_A[rows.outcome],
        weight=weight,
        covariates=covariates.matrix,
        penalty=penalty,
        phantom=phantom,
        project=centring(connectivity, k),
    )


def _balanced(rows: Comparisons) -> NDArray[np.float64]:
    """Row weights 1/max(battles of the pair, 50), mean one, times the given weights."""
    m = rows.n_models
    low, high = np.minimum(rows.model_a, rows.model_b), np.maximum(rows.model_a, rows.model_b)
    key = low.astype(np.intp) * m + high
    weight = 1 / np.maximum(np.bincount(key, minlength=m * m), MIN_PAIR_COUNT)[key]
    balanced: NDArray[np.float64] = rows.weight * weight / (weight.mean() if len(rows) else 1.0)
    return balanced


def _scores(data: ContextualData, fit: ContextualFit) -> RowScores:
    return RowScores.of_pairs(
        data.n_models,
        data.model_a,
        data.model_b,
        row_residuals(data, fit.parameters),
        data.covariates,
    )


def _covariance(
    data: ContextualData,
    fit: ContextualFit,
    connectivity: Connectivity,
    meat: NDArray[np.float64],
) -> NDArray[np.float64]:
    m = data.n_models
    meat = top_up(meat, fit.curvature_diagonal, connectivity)
    scale = small_sample(data.weight.shape[0], connectivity, extra=data.n_parameters - m)
    covariance: NDArray[np.float64] = scale * sandwich(fit.bread, meat)
    return covariance


def _coefficients(
    fit: ContextualFit,
    covariance: NDArray[np.float64],
    covariates: Covariates,
    reach: Reach,
    options: StyleControlOptions,
) -> dict[str, dict[str, Any]]:
    k = len(covariates.names)
    beta = fit.parameters[fit.parameters.size - k :]
    variance = covariance[fit.parameters.size - k :, fit.parameters.size - k :]
    lower, upper = reach.ends(beta, variance)
    return {
        name: {
            "coefficient": float(beta[j]),
            "lower": json_number(lower[j]),
            "upper": json_number(upper[j]),
            "points": float(beta[j] * points_per_nat(options.scale)),
        }
        for j, name in enumerate(covariates.names)
    }
