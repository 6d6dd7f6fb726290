"""Models of all outcomes of a pair, ties and both-bad included, fitted on pair totals.

Local parameters of a battle: u = (θa, θb, λ, κ): the two strengths, the log tie factor and the
log weight of "both are bad". A kernel gives each outcome's log-probability with its first and
second derivatives in u; the fit is Newton on the whole, the sandwich sums rows' scores.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from leaderboard.ratings.cells import Connectivity, PairTable
from leaderboard.ratings.comparisons import Outcome
from leaderboard.ratings.matrices import centring
from leaderboard.ratings.newton import MAX_STEPS, ConvergenceError
from leaderboard.ratings.pair_sums import bin_sums

N_LOCAL: Final = 4


@dataclass(frozen=True, slots=True)
class Kernel:
    """Log-probabilities of c pairs, by outcome.

    ``value``: float64[c, 4]; ``slope``: float64[c, 4, 4], by outcome and local parameter;
    ``bend``: float64[c, 4, 4, 4], second derivatives.
    """

    value: NDArray[np.float64]
    slope: NDArray[np.float64]
    bend: NDArray[np.float64]


KernelOf = Callable[[NDArray[np.float64], "Extras"], Kernel]


@dataclass(frozen=True, slots=True)
class Extras:
    """Which outcomes beyond winning the model gives a probability of their own."""

    has_ties: bool
    has_both_bad: bool

    @property
    def is_free(self) -> NDArray[np.bool_]:
        """bool[2], whether λ and κ are estimated."""
        return np.array([self.has_ties, self.has_both_bad])


@dataclass(frozen=True, slots=True)
class OutcomeFit:
    """``parameters``: float64[m + 2], centred strengths, λ, κ (-inf where not estimated).

    ``bread``: float64[m + 2, m + 2], inverse observed curvature, zero for fixed parameters.
    ``curvature_diagonal``: float64[m + 2]. ``row_slope``: float64[m, m, 4, 4], the score in u of
    a row of each (side A, side B, outcome).
    """

    parameters: NDArray[np.float64]
    bread: NDArray[np.float64]
    curvature_diagonal: NDArray[np.float64]
    row_slope: NDArray[np.float64]
    log_likelihood: float
    gradient: float
    steps: int


@dataclass(frozen=True, slots=True)
class OutcomeProblem:
    """Everything the fit needs: totals, kernel, groups and the phantom-draw prior."""

    table: PairTable
    kernel: KernelOf
    extras: Extras
    connectivity: Connectivity
    phantom: NDArray[np.float64]

    @property
    def n_models(self) -> int:
        """Number of models."""
        return self.table.n_models


def fit_outcomes(problem: OutcomeProblem, start: NDArray[np.float64]) -> OutcomeFit:
    """Maximise Σ weight · ln P(outcome) + phantom draws from ``start``, float64[m + 2].

    Newton on the observed curvature, made positive where it is not, with halved steps. Raises
    ConvergenceError. Parameters that the data cannot move (no tie seen, a model without battles)
    stay where they are.
    """
    total = float(problem.table.weight.sum()) or 1.0
    parameters, state = start, _evaluate(problem, start)
    best = np.inf
    for step in range(MAX_STEPS):
        largest = float(np.abs(state.gradient).max(initial=0.0))
        has_stalled = largest >= 0.5 * best and best <= 1e-8 * total
        if largest <= 1e-13 * total or has_stalled:
            return _finish(problem, parameters, state, step, largest)
        best = min(best, largest)
        move = _inverse(state.curvature, problem, floor=1e-6) @ state.gradient
        parameters, state = _halve(problem, parameters, state, move)
    raise ConvergenceError(
        f"the tie model left a gradient of {largest:.3g} after {MAX_STEPS} steps; use "
        "Bradley–Terry, or look for outcomes that hardly occur"
    )


@dataclass(frozen=True, slots=True)
class _State:
    log_likelihood: float
    gradient: NDArray[np.float64]
    curvature: NDArray[np.float64]


def _evaluate(problem: OutcomeProblem, parameters: NDArray[np.float64]) -> _State:
    m = problem.n_models
    weight = problem.table.weight.reshape(m * m, 4)
    cells = np.flatnonzero(weight.sum(axis=1) > 0)
    a, b = cells // m, cells % m
    kernel = problem.kernel(_local(parameters, a, b), problem.extras)
    weight = weight[cells]
    seen = np.where(weight > 0, kernel.value, 0.0)
    slope = np.einsum("co,coj->cj", weight, np.where(weight[:, :, None] > 0, kernel.slope, 0.0))
    bend = np.einsum(
        "co,cojk->cjk", weight, np.where(weight[:, :, None, None] > 0, kernel.bend, 0.0)
    )
    index = np.stack([a, b, np.full_like(a, m), np.full_like(a, m + 1)], axis=1)
    p = m + 2
    gradient = bin_sums(index.ravel(), slope.ravel(), p)
    key = (index[:, :, None] * p + index[:, None, :]).ravel()
    curvature = -bin_sums(key, bend.ravel(), p * p).reshape(p, p)
    log_likelihood = float(np.sum(weight * seen))
    chance = 1 / (1 + np.exp(-parameters[:m]))
    log_likelihood += float(0.5 * problem.phantom @ (np.log(chance) + np.log1p(-chance)))
    gradient[:m] += problem.phantom * (0.5 - chance)
    curvature[np.arange(m), np.arange(m)] += problem.phantom * chance * (1 - chance)
    gradient[m:][~problem.extras.is_free] = 0.0
    return _State(log_likelihood, gradient, curvature)


def _local(
    parameters: NDArray[np.float64], a: NDArray[np.intp], b: NDArray[np.intp]
) -> NDArray[np.float64]:
    m = parameters.size - 2
    extra = np.broadcast_to(parameters[m:], (a.size, 2))
    return np.column_stack([parameters[a], parameters[b], extra])


def _halve(
    problem: OutcomeProblem,
    parameters: NDArray[np.float64],
    state: _State,
    move: NDArray[np.float64],
) -> tuple[NDArray[np.float64], _State]:
    length = min(1.0, 4.0 / max(float(np.abs(move).max()), 1e-300))
    slack = 1e-11 * abs(state.log_likelihood)
    while length > 1e-9:
        trial = parameters + length * move
        after = _evaluate(problem, trial)
        if after.log_likelihood >= state.log_likelihood - slack:
            return trial, after
        length /= 2
    raise ConvergenceError(
        "no step improves the tie model; use Bradley–Terry, or look for outcomes that hardly occur"
    )


def _inverse(
    curvature: NDArray[np.float64], problem: OutcomeProblem, *, floor: float
) -> NDArray[np.float64]:
    """Inverse over free parameters; null directions (the location of a group) are left out.

    A negative curvature, away from the maximum, is replaced by its size so that the step rises.
    """
    free = np.concatenate([problem.connectivity.component >= 0, problem.extras.is_free])
    inverse = np.zeros_like(curvature)
    inner = curvature[np.ix_(free, free)]
    value, vector = np.linalg.eigh((inner + inner.T) / 2)
    size = np.abs(value)
    keep = size > 1e-11 * size.max(initial=0.0)
    limited = np.maximum(size[keep], floor * 1e-3 * size.max(initial=1e-300))
    inverse[np.ix_(free, free)] = (vector[:, keep] / limited) @ vector[:, keep].T
    return inverse


def _finish(
    problem: OutcomeProblem,
    parameters: NDArray[np.float64],
    state: _State,
    steps: int,
    largest: float,
) -> OutcomeFit:
    m = problem.n_models
    project = centring(problem.connectivity, 2)
    project[m + 1, :m] -= _location(problem.connectivity)
    centred = project @ np.where(np.isfinite(parameters), parameters, 0.0)
    centred[m:][~problem.extras.is_free] = -np.inf
    bread = project @ _inverse(state.curvature, problem, floor=0.0) @ project.T
    a, b = np.divmod(np.arange(m * m), m)
    kernel = problem.kernel(_local(parameters, a, b), problem.extras)
    slope = kernel.slope.reshape(m, m, len(Outcome), N_LOCAL)
    return OutcomeFit(
        parameters=centred,
        bread=bread,
        curvature_diagonal=np.diag(state.curvature).copy(),
        row_slope=slope,
        log_likelihood=state.log_likelihood,
        gradient=largest,
        steps=steps,
    )


def _location(connectivity: Connectivity) -> NDArray[np.float64]:
    is_main = (connectivity.component == 0).astype(np.float64)
    share: NDArray[np.float64] = is_main / max(float(is_main.sum()), 1.0)
    return share
