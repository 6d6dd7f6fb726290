"""Bradley–Terry with covariates per battle: Newton on rows, in blocks that fit the cache."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from leaderboard.ratings.matrices import pseudo_inverse
from leaderboard.ratings.newton import ConvergenceError, SeparationError
from leaderboard.ratings.pair_sums import difference_rows, laplacian

MAX_STEPS: Final = 60
BLOCK: Final = 1 << 15  # rows per pass: a block's columns stay in the second-level cache
SCOUT_ROWS: Final = 40_000  # a first fit on this many rows saves full passes over millions
WIDEST_LOGIT: Final = 60.0  # beyond it a covariate decides every battle and nothing is estimated
PERFECT: Final = 1e-5  # mean loss in nats below which every battle is as good as decided


@dataclass(frozen=True, slots=True)
class ContextualData:
    """n rows: ``model_a``, ``model_b`` int32[n], ``score`` of A and ``weight`` float64[n],
    ``covariates`` float64[n, k]. ``penalty``: float64[m + k], ridge precision per parameter.
    ``phantom``: float64[m], drawn games against an average opponent. ``project``: float64
    [m + k, m + k], centres the strengths of each component.
    """

    n_models: int
    model_a: NDArray[np.int32]
    model_b: NDArray[np.int32]
    score: NDArray[np.float64]
    weight: NDArray[np.float64]
    covariates: NDArray[np.float64]
    penalty: NDArray[np.float64]
    phantom: NDArray[np.float64]
    project: NDArray[np.float64]

    @property
    def n_parameters(self) -> int:
        """Strengths plus coefficients."""
        return self.n_models + int(self.covariates.shape[1])

    def scout(self, seed: int = 0) -> "ContextualData":
        """A random subset of ``SCOUT_ROWS`` rows with proportionally weaker penalties."""
        n = self.weight.shape[0]
        chosen = np.random.default_rng(seed).integers(0, n, SCOUT_ROWS)
        share = SCOUT_ROWS / n
        return ContextualData(
            self.n_models,
            self.model_a[chosen],
            self.model_b[chosen],
            self.score[chosen],
            self.weight[chosen],
            self.covariates[chosen],
            self.penalty * share,
            self.phantom + 1.0,
            self.project,
        )


@dataclass(frozen=True, slots=True)
class ContextualFit:
    """``parameters``: float64[m + k], strengths (centred per component) then coefficients.

    ``bread``: float64[m + k, m + k], inverse curvature on centred strengths and coefficients.
    ``curvature_diagonal``: float64[m + k]. ``gradient``: largest score left. ``steps``: Newton
    steps over all rows.
    """

    parameters: NDArray[np.float64]
    bread: NDArray[np.float64]
    curvature_diagonal: NDArray[np.float64]
    gradient: float
    steps: int


def fit_contextual(data: ContextualData, start: NDArray[np.float64]) -> ContextualFit:
    """Maximise Σ w·[y ln σ(η) + (1-y) ln σ(-η)] less the penalties, η = θa - θb + x·β.

    Raises SeparationError when a covariate decides every battle, ConvergenceError otherwise.
    """
    if data.weight.shape[0] > 4 * SCOUT_ROWS:
        start = _climb(data.scout(), start, tolerance=1e-6).parameters
    return _climb(data, start, tolerance=1e-12)


def _climb(data: ContextualData, start: NDArray[np.float64], *, tolerance: float) -> ContextualFit:
    total = float(data.weight.sum()) or 1.0
    parameters, loss, gradient, curvature = _step_or_stay(data, start, np.zeros_like(start), None)
    best = np.inf
    for step in range(MAX_STEPS):
        inverse = pseudo_inverse(curvature)
        largest = float(np.abs(gradient).max(initial=0.0))
        has_stalled = largest >= 0.5 * best and best <= 1e-8 * total
        if largest <= tolerance * total or has_stalled:
            return ContextualFit(
                data.project @ parameters,
                data.project @ inverse @ data.project.T,
                np.diag(curvature).copy(),
                largest,
                step,
            )
        best = min(best, largest)
        parameters, loss, gradient, curvature = _step_or_stay(
            data, parameters, inverse @ gradient, loss
        )
        _refuse_separation(parameters, loss / total)
    raise ConvergenceError(
        f"style control left a gradient of {largest:.3g} after {MAX_STEPS} steps; look for "
        "covariates that repeat each other, or use a convention with a penalty"
    )


def _refuse_separation(parameters: NDArray[np.float64], mean_loss: float) -> None:
    if mean_loss < PERFECT or float(np.abs(parameters).max(initial=0.0)) > WIDEST_LOGIT:
        raise SeparationError(
            "a covariate decides every battle, so its effect is unbounded; leave it out, or use "
            "a convention with a penalty such as 'fastchat'"
        )


def _step_or_stay(
    data: ContextualData,
    parameters: NDArray[np.float64],
    move: NDArray[np.float64],
    loss: float | None,
) -> tuple[NDArray[np.float64], float, NDArray[np.float64], NDArray[np.float64]]:
    """Take ``move``, halved until the penalised likelihood does not fall beyond rounding."""
    length = 1.0
    while length > 1e-8:
        trial = parameters + length * move
        new_loss, gradient, curvature = _evaluate(data, trial)
        if loss is None or new_loss <= loss + 1e-11 * abs(loss):
            return trial, new_loss, gradient, curvature
        length /= 2
    raise ConvergenceError(
        "no step along the Newton direction improves the style-controlled fit; look for "
        "covariates that repeat each other, or use a convention with a penalty"
    )


def row_residuals(data: ContextualData, parameters: NDArray[np.float64]) -> NDArray[np.float64]:
    """float64[n], weight · (score - probability) of each row, block by block."""
    m = data.n_models
    theta, beta = parameters[:m], parameters[m:]
    gap = (theta[:, None] - theta[None, :]).ravel()
    residual = np.empty(data.weight.shape[0])
    for first in range(0, residual.size, BLOCK):
        rows = slice(first, first + BLOCK)
        key = data.model_a[rows].astype(np.intp) * m + data.model_b[rows]
        chance = 1 / (1 + np.exp(-(gap[key] + data.covariates[rows] @ beta)))
        residual[rows] = data.weight[rows] * (data.score[rows] - chance)
    return residual


def _evaluate(
    data: ContextualData, parameters: NDArray[np.float64]
) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
    """Penalised negative log-likelihood, the gradient of its negative, and its curvature."""
    m, p = data.n_models, data.n_parameters
    k = p - m
    theta, beta = parameters[:m], parameters[m:]
    gap = (theta[:, None] - theta[None, :]).ravel()
    pair_sums = np.zeros((k + 2, m * m))
    gradient, curvature = np.zeros(p), np.zeros((p, p))
    loss = 0.0
    for first in range(0, data.weight.shape[0], BLOCK):
        rows = slice(first, first + BLOCK)
        key = data.model_a[rows].astype(np.intp) * m + data.model_b[rows]
        x, y, w = data.covariates[rows], data.score[rows], data.weight[rows]
        logit = gap[key] + x @ beta
        chance = 1 / (1 + np.exp(-logit))
        # ln(1 + e^η) from the probability at hand, exact in both tails and vectorised.
        softplus = np.maximum(logit, 0) - np.log(np.maximum(chance, 1 - chance))
        loss += float(w @ (softplus - y * logit))
        residual, info = w * (y - chance), w * chance * (1 - chance)
        weighted = info[:, None] * x
        pair_sums[0] += np.bincount(key, residual, minlength=m * m)
        pair_sums[1] += np.bincount(key, info, minlength=m * m)
        for j in range(k):
            pair_sums[2 + j] += np.bincount(key, weighted[:, j], minlength=m * m)
        gradient[m:] += x.T @ residual
        curvature[m:, m:] += x.T @ weighted
    tables = pair_sums.reshape(k + 2, m, m)
    gradient[:m] = difference_rows(tables[0])
    curvature[:m, :m] = laplacian(tables[1])
    for j in range(k):
        curvature[:m, m + j] = curvature[m + j, :m] = difference_rows(tables[2 + j])
    return _add_priors(data, parameters, loss, gradient, curvature)


def _add_priors(
    data: ContextualData,
    parameters: NDArray[np.float64],
    loss: float,
    gradient: NDArray[np.float64],
    curvature: NDArray[np.float64],
) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
    m = data.n_models
    theta = parameters[:m]
    chance = expit(theta)
    loss += 0.5 * float(data.penalty @ np.square(parameters))
    loss += 0.5 * float(data.phantom @ (np.logaddexp(0, theta) + np.logaddexp(0, -theta)))
    gradient -= data.penalty * parameters
    gradient[:m] += data.phantom * (0.5 - chance)
    diagonal = data.penalty.copy()
    diagonal[:m] += data.phantom * chance * (1 - chance)
    curvature[np.diag_indices(parameters.size)] += diagonal
    return loss, gradient, curvature
