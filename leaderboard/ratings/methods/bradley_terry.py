"""Bradley–Terry: one strength per model, a tie is half a win for each."""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from leaderboard.ratings.cells import Connectivity, HalfWins, PairTable, cell_keys
from leaderboard.ratings.clusters import ClusterPlan, plan_clusters
from leaderboard.ratings.comparisons import Comparisons, Outcome
from leaderboard.ratings.intervals import describe_plan, draw_cluster_weights, resampled_cells
from leaderboard.ratings.methods import rating_method
from leaderboard.ratings.newton import fit_strengths
from leaderboard.ratings.options import ScaleOptions
from leaderboard.ratings.ratings import Ratings, ranked
from leaderboard.ratings.scale import describe_groups, points_per_nat, to_points
from leaderboard.ratings.strengths import PairFit, fit_pairs, pair_covariance


class BradleyTerryOptions(ScaleOptions):
    """Settings of the Bradley–Terry fit."""

    interval: Literal["sandwich", "bootstrap"] = Field(
        default="sandwich",
        description="Interval ends from the cluster-robust sandwich, or from percentiles of a "
        "bootstrap that redraws whole clusters.",
    )
    rounds: int = Field(default=100, ge=10, description="Bootstrap rounds, where they are used.")


@rating_method(
    "bradley_terry",
    label="Bradley–Terry",
    description="Strengths under which the votes seen are most likely, whatever their order; "
    "a gap of 100 points means winning about 64 % of the time.",
    options=BradleyTerryOptions,
    needs="comparisons",
)
def fit_bradley_terry(rows: Comparisons, options: BradleyTerryOptions, seed: int) -> Ratings:
    """Estimate θ in P(a beats b) = σ(θa - θb), ties as half a win (Bradley & Terry 1952).

    Exact Newton on pair totals to a gradient at rounding level. Covariance: the cluster-robust
    sandwich of the centred strengths (see ``clusters``), scaled by (n-1)/(n-p). Differs from
    FastChat and arena-rank in three ways: intervals are clustered, "both bad" is left out unless
    ``both_bad="tie"``, and unbounded ratings get the documented phantom-draw prior (``prior``).
    Raises SeparationError when a rating is unbounded and ``prior="none"``.
    """
    pairs = fit_pairs(PairTable.of(rows), options, rows.models)
    plan = plan_clusters(rows, options.cluster)
    covariance = pair_covariance(rows, pairs, plan, both_bad_is_tie=options.both_bad == "tie")
    estimate = to_points(
        pairs.strength,
        covariance,
        pairs.connectivity.component,
        models=rows.models,
        options=options,
        freedom=plan.fewest - 1,
    )
    if options.interval == "bootstrap":
        unit = points_per_nat(options.scale)
        draws = bootstrap_strengths(rows, pairs, plan, options, seed)
        points = estimate.rating + unit * (draws - pairs.strength)
        tail = (1 - options.level) / 2
        estimate.lower[:], estimate.upper[:] = np.quantile(points, [tail, 1 - tail], axis=0)
    return ranked(
        estimate,
        options,
        method="bradley_terry",
        models=rows.models,
        counts=pairs.table.counts(),
        unit="points",
        diagnostics={**describe_fit(rows, pairs, options), **describe_plan(plan)},
        seed=seed,
    )


def bootstrap_strengths(
    rows: Comparisons, pairs: PairFit, plan: ClusterPlan, options: BradleyTerryOptions, seed: int
) -> NDArray[np.float64]:
    """float64[rounds, m], refitted log-odds, whole clusters redrawn with replacement.

    Under two-way clustering the coarser grouping is redrawn. A round in which some model is
    unbounded or unmet gets the phantom-draw prior, else it would have no finite answer.
    """
    _, group = min((term for term in plan.terms if term[0] > 0), key=lambda t: t[1].n_clusters)
    m = rows.n_models
    weights = draw_cluster_weights(group.n_clusters, options.rounds, np.random.default_rng(seed))
    sums = resampled_cells(
        cell_keys(rows), rows.weight, group, n_cells=m * m * len(Outcome), weights=weights
    )
    draws = np.empty((options.rounds, m))
    for k, weight in enumerate(sums.reshape(options.rounds, m, m, len(Outcome))):
        halves = HalfWins.of(weight, both_bad_is_tie=options.both_bad == "tie")
        draws[k] = _refit(halves, pairs, options.prior_games)
    return draws


def _refit(halves: HalfWins, pairs: PairFit, prior_games: float) -> NDArray[np.float64]:
    drawn, whole = Connectivity.of(halves), pairs.connectivity
    is_complete = not drawn.is_unbounded.any() and bool((drawn.component == whole.component).all())
    phantom = pairs.phantom
    if not is_complete and not phantom.any():
        phantom = np.where(whole.component >= 0, prior_games, 0.0)
    return fit_strengths(
        halves, whole, phantom_games=phantom, start=pairs.strength, with_bread=False
    ).strength


def describe_fit(rows: Comparisons, pairs: PairFit, options: ScaleOptions) -> dict[str, Any]:
    """Json-able facts about a Bradley–Terry fit."""
    outcomes = pairs.table.outcome_counts()
    excluded = {} if options.both_bad == "tie" else {"both_bad": outcomes["both_bad"]}
    connectivity, phantom = pairs.connectivity, pairs.phantom
    return {
        "rows": len(rows),
        "outcomes": outcomes,
        "excluded": {reason: count for reason, count in excluded.items() if count},
        "newton_steps": pairs.fit.steps,
        "largest_gradient": pairs.fit.gradient,
        "prior": {
            "name": "phantom_draw" if phantom.any() else "none",
            "games_per_model": float(phantom.max(initial=0.0)),
            "models": [rows.models[i] for i in np.flatnonzero(phantom)],
        },
        **describe_groups(connectivity.component, connectivity.is_unbounded, rows.models),
    }
