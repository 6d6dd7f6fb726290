"""Bootstrap Elo: online Elo over many redrawn histories, the median and its spread."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from leaderboard.ratings.cells import PairTable
from leaderboard.ratings.clusters import Grouping, group_rows
from leaderboard.ratings.comparisons import Comparisons
from leaderboard.ratings.meat import rows_by_cluster
from leaderboard.ratings.methods import rating_method
from leaderboard.ratings.methods.elo import (
    EloOptions,
    counted_rows,
    describe_elo,
    elo_groups,
)
from leaderboard.ratings.ratings import Estimate, Ratings, ranked
from leaderboard.ratings.scale import describe_groups
from leaderboard.ratings.strengths import SCORE_OF_A


class EloBootstrapOptions(EloOptions):
    """Settings of bootstrap Elo."""

    rounds: int = Field(default=100, ge=10, description="Redrawn histories.")
    redraw: Literal["auto", "battle", "question", "voter"] = Field(
        default="auto",
        description="What is drawn with replacement: single battles (FastChat's way, too narrow "
        "where battles share a question or voter) or whole clusters; 'auto' takes questions if "
        "known, else voters, else battles.",
    )


@rating_method(
    "elo_bootstrap",
    label="Bootstrap Elo",
    description="Online Elo run over many redrawn histories; the median is shown with the range "
    "that holds 95 % of them, so the order of battles matters less.",
    options=EloBootstrapOptions,
    needs="comparisons",
)
def fit_elo_bootstrap(rows: Comparisons, options: EloBootstrapOptions, seed: int) -> Ratings:
    """Median and percentiles of online Elo over redrawn histories, each in random order."""
    counted = rows.select(counted_rows(rows, options.both_bad))
    group = _redrawn_units(counted, options.redraw)
    draws = bootstrap_elo(counted, group, options, seed)
    connectivity = elo_groups(counted)
    tail = (1 - options.level) / 2
    lower, rating, upper = np.quantile(draws, [tail, 0.5, 1 - tail], axis=0)
    covariance = np.atleast_2d(np.cov(draws, rowvar=False))
    for column in (lower, rating, upper):
        column[connectivity.component < 0] = np.nan
    return ranked(
        Estimate(
            rating=rating,
            lower=lower,
            upper=upper,
            covariance=covariance,
            component=connectivity.component,
        ),
        options,
        method="elo_bootstrap",
        models=rows.models,
        counts=PairTable.of(rows).counts(),
        unit="points",
        diagnostics={
            **describe_elo(rows, counted, options),
            "redrawn_units": group.n_clusters,
            **describe_groups(
                connectivity.component, np.zeros(rating.size, dtype=bool), rows.models
            ),
        },
        seed=seed,
    )


def _redrawn_units(rows: Comparisons, redraw: str) -> Grouping:
    for name, ids in (("question", rows.question), ("voter", rows.voter)):
        if redraw == name or (redraw == "auto" and ids.max(initial=-1) >= 0):
            return group_rows(ids)
    return Grouping(np.arange(len(rows), dtype=np.intp), len(rows))


def bootstrap_elo(
    rows: Comparisons, group: Grouping, options: EloBootstrapOptions, seed: int
) -> NDArray[np.float64]:
    """float64[rounds, m], online Elo over each redrawn and reshuffled history.

    All rounds advance together, one battle each per step, which beats a loop per round.
    """
    rng = np.random.default_rng(seed)
    histories = [_redraw(group, rng) for _ in range(options.rounds)]
    longest = max(history.size for history in histories)
    rating = np.full((options.rounds, rows.n_models), options.init)
    rounds = np.arange(options.rounds)
    stake = options.step * rows.weight
    score = SCORE_OF_A[rows.outcome]
    padded = np.full((longest, options.rounds), -1)
    for k, history in enumerate(histories):
        padded[: history.size, k] = history
    for battle in padded:
        active = rounds if battle.min() >= 0 else np.flatnonzero(battle >= 0)
        row = battle[active]
        a, b = rows.model_a[row], rows.model_b[row]
        gap = (rating[active, b] - rating[active, a]) / options.scale
        move = stake[row] * (score[row] - 1 / (1 + options.base**gap))
        rating[active, a] += move
        rating[active, b] -= move
    return rating


def _redraw(group: Grouping, rng: np.random.Generator) -> NDArray[np.intp]:
    """Row numbers of one redrawn history, in random order."""
    order = rows_by_cluster(group)
    size = np.bincount(group.label, minlength=group.n_clusters)
    if not group.n_clusters:
        return np.empty(0, dtype=np.intp)
    start = np.cumsum(size) - size
    drawn = rng.integers(0, group.n_clusters, size=group.n_clusters)
    length = size[drawn]
    offset = np.arange(int(length.sum())) - np.repeat(np.cumsum(length) - length, length)
    history: NDArray[np.intp] = order[np.repeat(start[drawn], length) + offset].astype(np.intp)
    rng.shuffle(history)
    return history
