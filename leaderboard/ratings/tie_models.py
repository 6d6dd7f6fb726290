"""What Davidson and Rao–Kupper share: options, fit, sandwich and the report."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from leaderboard.ratings.both_bad import counted, excluded
from leaderboard.ratings.cells import Connectivity, HalfWins, PairTable, cell_keys
from leaderboard.ratings.clusters import plan_clusters
from leaderboard.ratings.comparisons import Comparisons, Outcome
from leaderboard.ratings.intervals import Reach, describe_plan, sandwich
from leaderboard.ratings.meat import RowScores, clustered_meat
from leaderboard.ratings.newton import fit_strengths
from leaderboard.ratings.options import ScaleOptions
from leaderboard.ratings.outcomes import (
    Extras,
    KernelOf,
    OutcomeFit,
    OutcomeProblem,
    fit_outcomes,
)
from leaderboard.ratings.ratings import Ratings, json_number, ranked
from leaderboard.ratings.scale import describe_groups, to_points
from leaderboard.ratings.strengths import phantom_games, small_sample, top_up


class TieModelOptions(ScaleOptions):
    """Settings of a model that gives ties and both-bad probabilities of their own."""

    both_bad: Literal["own_outcome", "exclude", "tie"] = Field(  # type: ignore[assignment]
        # one more choice than the base class offers
        default="own_outcome",
        description="'Both are bad' is an outcome with its own probability, more likely between "
        "weak models; or left out; or read as a tie.",
    )


def fit_tie_model(
    rows: Comparisons, options: TieModelOptions, seed: int, *, method: str, kernel: KernelOf
) -> Ratings:
    """Fit strengths, tie factor and both-bad weight; cluster-robust sandwich over all of them."""
    rows_used = _apply_both_bad(rows, options)
    problem = _problem(rows_used, options, kernel)
    connectivity = problem.connectivity
    fit = fit_outcomes(problem, _start(problem))
    plan = plan_clusters(rows_used, options.cluster)
    m = rows.n_models
    meat = clustered_meat(_scores(rows_used, fit), plan)
    meat = top_up(meat, fit.curvature_diagonal, connectivity)
    extra = int(problem.extras.is_free.sum())
    covariance = small_sample(len(rows_used), connectivity, extra) * sandwich(fit.bread, meat)
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
    table = PairTable.of(rows)
    return ranked(
        estimate,
        options,
        method=method,
        models=rows.models,
        counts=table.counts(),
        unit="points",
        diagnostics={
            "rows": len(rows),
            "outcomes": table.outcome_counts(),
            "excluded": excluded(rows, rows_used),
            **_extra_parameters(fit, covariance, problem.extras, reach),
            "log_likelihood": fit.log_likelihood,
            "newton_steps": fit.steps,
            "largest_gradient": fit.gradient,
            "prior_games": float(problem.phantom.max(initial=0.0)),
            **describe_groups(connectivity.component, connectivity.is_unbounded, rows.models),
            **describe_plan(plan),
        },
        seed=seed,
    )


def _apply_both_bad(rows: Comparisons, options: TieModelOptions) -> Comparisons:
    if options.both_bad == "exclude":
        return counted(rows, "exclude")
    is_bad = rows.outcome == Outcome.BOTH_BAD
    if options.both_bad == "tie" and is_bad.any():
        return rows.replace(outcome=np.where(is_bad, int(Outcome.TIE), rows.outcome))
    return rows


def _problem(rows: Comparisons, options: TieModelOptions, kernel: KernelOf) -> OutcomeProblem:
    table = PairTable.of(rows)
    halves = HalfWins.of(table.weight, both_bad_is_tie=False)
    connectivity = Connectivity.of(halves)
    phantom = phantom_games(connectivity, options, rows.models)
    seen = table.weight.sum(axis=(0, 1))
    has_wins = bool(seen[Outcome.MODEL_A] + seen[Outcome.MODEL_B] > 0)
    extras = Extras(
        has_ties=bool(seen[Outcome.TIE] > 0) and has_wins,
        has_both_bad=bool(seen[Outcome.BOTH_BAD] > 0),
    )
    unplayed = connectivity.component < 0
    table.weight[unplayed, :, :] = 0.0
    table.weight[:, unplayed, :] = 0.0
    if not extras.has_ties:
        table.weight[:, :, Outcome.TIE] = 0.0
    return OutcomeProblem(table, kernel, extras, connectivity, phantom)


def _start(problem: OutcomeProblem) -> NDArray[np.float64]:
    halves = HalfWins.of(problem.table.weight, both_bad_is_tie=False)
    plain = fit_strengths(
        halves,
        problem.connectivity,
        phantom_games=np.where(problem.connectivity.component >= 0, 1.0, 0.0),
        with_bread=False,
    )
    seen = problem.table.weight.sum(axis=(0, 1))
    wins = seen[Outcome.MODEL_A] + seen[Outcome.MODEL_B]
    extra = np.full(2, -np.inf)
    if problem.extras.has_ties:
        extra[0] = np.log(2 * seen[Outcome.TIE] / wins)
    if problem.extras.has_both_bad:
        extra[1] = np.log(2 * seen[Outcome.BOTH_BAD] / (wins + seen[Outcome.TIE] + 1e-9))
    return np.concatenate([np.nan_to_num(plain.strength), extra])


def _scores(rows: Comparisons, fit: OutcomeFit) -> RowScores:
    m = rows.n_models
    slope = fit.row_slope.reshape(m * m * len(Outcome), -1)[cell_keys(rows)]
    slope = np.nan_to_num(slope) * rows.weight[:, None]
    entries = ((rows.model_a, slope[:, 0].copy()), (rows.model_b, slope[:, 1].copy()))
    return RowScores(m, entries, slope[:, 2:])


def _extra_parameters(
    fit: OutcomeFit, covariance: NDArray[np.float64], extras: Extras, reach: Reach
) -> dict[str, dict[str, float | None] | None]:
    """Log tie factor and log both-bad weight with intervals; None where none was seen."""
    extra = fit.parameters[-2:]
    lower, upper = reach.ends(extra, covariance[-2:, -2:])
    described: dict[str, dict[str, float | None] | None] = {}
    for j, (name, is_free) in enumerate(
        (("log_tie_factor", extras.has_ties), ("log_both_bad_weight", extras.has_both_bad))
    ):
        described[name] = (
            {
                "estimate": json_number(extra[j]),
                "lower": json_number(lower[j]),
                "upper": json_number(upper[j]),
            }
            if is_free
            else None
        )
    return described
