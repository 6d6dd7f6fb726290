"""A Bradley–Terry fit with its prior, and what its sandwich is made of."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from leaderboard.ratings.cells import (
    Connectivity,
    HalfWins,
    PairTable,
    cell_keys,
    has_unit_weights,
    narrow_cell_keys,
)
from leaderboard.ratings.clusters import ClusterPlan
from leaderboard.ratings.comparisons import Comparisons, Outcome
from leaderboard.ratings.intervals import sandwich
from leaderboard.ratings.meat import CellScores, RowScores, clustered_meat
from leaderboard.ratings.newton import SeparationError, StrengthFit, fit_strengths
from leaderboard.ratings.options import ScaleOptions

SCORE_OF_A = np.array([1.0, 0.0, 0.5, 0.5])
"""What side A takes from each outcome when a tie is half a win."""


@dataclass(frozen=True, slots=True)
class PairFit:
    """A fit of strengths to a pair table, with all that went into it.

    ``phantom``: float64[m], games of the phantom-draw prior per model.
    """

    table: PairTable
    connectivity: Connectivity
    phantom: NDArray[np.float64]
    fit: StrengthFit

    @property
    def strength(self) -> NDArray[np.float64]:
        """float64[m], log-odds centred per component, NaN without a game."""
        return self.fit.strength


def fit_pairs(
    table: PairTable,
    options: ScaleOptions,
    models: tuple[str, ...],
    *,
    start: NDArray[np.float64] | None = None,
) -> PairFit:
    """Fit strengths to ``table`` under the prior and tie rule of ``options``."""
    halves = HalfWins.of(table.weight, both_bad_is_tie=options.both_bad == "tie")
    connectivity = Connectivity.of(halves)
    phantom = phantom_games(connectivity, options, models)
    fit = fit_strengths(halves, connectivity, phantom_games=phantom, start=start)
    return PairFit(table, connectivity, phantom, fit)


def pair_covariance(
    rows: Comparisons, pairs: PairFit, plan: ClusterPlan, *, both_bad_is_tie: bool
) -> NDArray[np.float64]:
    """float64[m, m], cluster-robust sandwich of the centred log-odds, times (n-1)/(n-p)."""
    scores: RowScores | CellScores
    if has_unit_weights(rows):
        residual = _residuals(pairs.strength, both_bad_is_tie=both_bad_is_tie)
        scores = CellScores.of(rows.n_models, narrow_cell_keys(rows), residual)
    else:
        scores = residual_scores(rows, pairs.strength, both_bad_is_tie=both_bad_is_tie)
    meat = top_up(clustered_meat(scores, plan), pairs.fit.curvature_diagonal, pairs.connectivity)
    scale = small_sample(len(rows), pairs.connectivity)
    covariance: NDArray[np.float64] = scale * sandwich(pairs.fit.bread, meat)
    return covariance


def phantom_games(
    connectivity: Connectivity, options: ScaleOptions, models: tuple[str, ...]
) -> NDArray[np.float64]:
    """float64[m], games of the phantom-draw prior per model; see ``ScaleOptions.prior``.

    A drawn game against an average opponent is worth half a win and half a loss, so every
    likelihood gets a finite maximum. With ``if_unbounded`` it applies to the components that
    hold an unbounded model and to all their models alike, so that it favours nobody.
    """
    component, is_unbounded = connectivity.component, connectivity.is_unbounded
    if options.prior == "none":
        if is_unbounded.any():
            names = ", ".join(repr(models[i]) for i in np.flatnonzero(is_unbounded)[:5])
            raise SeparationError(
                f"{int(is_unbounded.sum())} models ({names}) always won or always lost against "
                "the rest, so their ratings are unbounded; use prior='if_unbounded' or leave "
                "them out"
            )
        return np.zeros(component.size)
    applies = component >= 0
    if options.prior == "if_unbounded":
        applies &= np.isin(component, np.unique(component[is_unbounded]))
    return np.where(applies, options.prior_games, 0.0)


def residual_scores(
    rows: Comparisons, strength: NDArray[np.float64], *, both_bad_is_tie: bool
) -> RowScores:
    """Each row's score ``w · (y - p)`` for side A; zero for a row that does not count."""
    residual = _residuals(strength, both_bad_is_tie=both_bad_is_tie)[cell_keys(rows)]
    residual *= rows.weight
    return RowScores.of_pairs(rows.n_models, rows.model_a, rows.model_b, residual)


def _residuals(strength: NDArray[np.float64], *, both_bad_is_tie: bool) -> NDArray[np.float64]:
    """float64[m·m·outcomes], ``y - p`` for side A of each cell; zero where none counts."""
    gap = np.nan_to_num(strength[:, None] - strength[None, :])
    residual: NDArray[np.float64] = SCORE_OF_A[None, None, :] - expit(gap)[:, :, None]
    if not both_bad_is_tie:
        residual[:, :, Outcome.BOTH_BAD] = 0.0
    return residual.reshape(-1)


def top_up(
    meat: NDArray[np.float64], curvature_diagonal: NDArray[np.float64], connectivity: Connectivity
) -> NDArray[np.float64]:
    """Give an unbounded model at least the variance its curvature implies.

    Its residuals all point one way and are small, so the sandwich alone would call the least
    known rating the surest. ``meat`` may hold further parameters behind the strengths.
    """
    m = connectivity.component.size
    lacking = np.clip(curvature_diagonal[:m] - np.diag(meat)[:m], 0, None)
    topped = meat.copy()
    topped[np.arange(m), np.arange(m)] += np.where(connectivity.is_unbounded, lacking, 0.0)
    return topped


def small_sample(n: int, connectivity: Connectivity, extra: int = 0) -> float:
    """(n-1)/(n-p), the usual allowance for p fitted parameters (``extra`` beyond strengths)."""
    p = int((connectivity.component >= 0).sum()) - connectivity.n_components + extra
    return (n - 1) / (n - p) if n > p + 1 else 1.0
