"""Peer examination: models judge each other, and weigh as much as they agree with the others."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from leaderboard.ratings.cells import Connectivity, HalfWins, PairTable
from leaderboard.ratings.clusters import plan_clusters
from leaderboard.ratings.comparisons import Comparisons
from leaderboard.ratings.methods import rating_method
from leaderboard.ratings.methods.bradley_terry import describe_fit
from leaderboard.ratings.newton import fit_strengths
from leaderboard.ratings.options import ScaleOptions
from leaderboard.ratings.peer_weights import Opinions, opinions, self_consistent_weights
from leaderboard.ratings.ratings import Ratings, json_number, ranked
from leaderboard.ratings.scale import to_points
from leaderboard.ratings.strengths import PairFit, fit_pairs, pair_covariance


class PeerExaminationOptions(ScaleOptions):
    """Settings of the peer examination."""

    rounds: int = Field(
        default=200, ge=20, description="Bootstrap rounds; each redraws the questions."
    )


@rating_method(
    "peer_examination",
    label="Peer examination",
    description="The models judge each other, never themselves; each weighs as much as it agrees "
    "with the others, and the strengths follow from the weighted verdicts.",
    options=PeerExaminationOptions,
    needs="comparisons",
)
def fit_peers(rows: Comparisons, options: PeerExaminationOptions, seed: int) -> Ratings:
    """Bradley–Terry on verdicts weighted by their judges' self-consistent agreement.

    See ``peer_weights`` for the weights. Covariance: from a bootstrap that redraws whole
    questions and finds weights and strengths anew each time, so that the interval holds the
    uncertainty of the weights as well. ``diagnostics["examiners"]`` maps each judge's id to its
    verdicts, agreement with interval, and weight. Whether a judge has judged itself is not known
    here: runs for a peer examination leave each judge's own model out.
    """
    found = opinions(rows)
    weights, agreement = self_consistent_weights(found)
    weighted = replace(rows, weight=rows.weight * weights[found.judge_of_row])
    pairs = fit_pairs(PairTable.of(weighted), options, rows.models)
    draws, agreement_draws = _bootstrap(rows, found, pairs, options, seed)
    estimate = to_points(
        pairs.strength,
        _covariance(weighted, pairs, draws, options),
        pairs.connectivity.component,
        models=rows.models,
        options=options,
        freedom=found.n_questions - 1,
    )
    return ranked(
        estimate,
        options,
        method="peer_examination",
        models=rows.models,
        counts=PairTable.of(rows).counts(),
        unit="points",
        diagnostics={
            **describe_fit(rows, pairs, options),
            "examiners": _examiners(found, weights, agreement, agreement_draws, options.level),
            "questions": found.n_questions,
            "rounds": options.rounds,
        },
        seed=seed,
    )


def _bootstrap(
    rows: Comparisons, found: Opinions, pairs: PairFit, options: PeerExaminationOptions, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """float64[rounds, m] strengths and float64[rounds, j] agreements, questions redrawn."""
    generator, n = np.random.default_rng(seed), found.n_questions
    times = generator.multinomial(n, np.full(n, 1 / n), size=options.rounds).astype(np.float64)
    draws = np.empty((options.rounds, rows.n_models))
    agreed = np.empty((options.rounds, found.labels.size))
    for k in range(options.rounds):
        weights, agreed[k] = self_consistent_weights(found, times[k][found.question])
        weight = rows.weight * weights[found.judge_of_row] * times[k][found.question_of_row]
        table = PairTable.of(replace(rows, weight=weight))
        halves = HalfWins.of(table.weight, both_bad_is_tie=options.both_bad == "tie")
        draws[k] = _refit(halves, pairs, options.prior_games)
    return draws, agreed


def _refit(halves: HalfWins, pairs: PairFit, prior_games: float) -> NDArray[np.float64]:
    """A redraw in which some model is unbounded or unmet gets the phantom-draw prior."""
    drawn, whole = Connectivity.of(halves), pairs.connectivity
    is_complete = not drawn.is_unbounded.any() and bool((drawn.component == whole.component).all())
    phantom = pairs.phantom
    if not is_complete and not phantom.any():
        phantom = np.where(whole.component >= 0, prior_games, 0.0)
    return fit_strengths(
        halves, whole, phantom_games=phantom, start=pairs.strength, with_bread=False
    ).strength


def _covariance(
    rows: Comparisons, pairs: PairFit, draws: NDArray[np.float64], options: PeerExaminationOptions
) -> NDArray[np.float64]:
    """float64[m, m] of the strengths over the rounds, NaN for a model without a battle.

    Where a model always won or always lost, every redraw says the same and the bootstrap would
    claim certainty: then it is the sandwich, which gives such a model its curvature's variance.
    """
    if pairs.connectivity.is_unbounded.any():
        plan = plan_clusters(rows, "question")
        return pair_covariance(rows, pairs, plan, both_bad_is_tie=options.both_bad == "tie")
    covariance: NDArray[np.float64] = np.atleast_2d(np.cov(draws, rowvar=False))
    return covariance


def _examiners(
    found: Opinions,
    weights: NDArray[np.float64],
    agreement: NDArray[np.float64],
    draws: NDArray[np.float64],
    level: float,
) -> dict[str, dict[str, Any]]:  # JSON
    verdicts = np.bincount(found.judge_of_row, minlength=found.labels.size)
    tail = (1 - level) / 2
    described = {}
    for j, label in enumerate(found.labels):
        known = draws[:, j][~np.isnan(draws[:, j])]
        ends = np.quantile(known, (tail, 1 - tail)) if known.size else (np.nan, np.nan)
        described[str(label)] = {
            "verdicts": int(verdicts[j]),
            "agreement": json_number(agreement[j]),
            "lower": json_number(ends[0]),
            "upper": json_number(ends[1]),
            "weight": float(weights[j]),
        }
    return described
