"""The fit behind judge-aware Bradley–Terry: strengths times each judge's own reading of them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.special import expit

from leaderboard.ratings.comparisons import UNKNOWN, Comparisons
from leaderboard.ratings.matrices import pseudo_inverse
from leaderboard.ratings.meat import RowScores
from leaderboard.ratings.newton import MAX_STEPS, ConvergenceError
from leaderboard.ratings.strengths import SCORE_OF_A
from leaderboard.ratings.style import CONVENTIONS, LENGTH, style_covariates


@dataclass(frozen=True, slots=True)
class BiasPriors:
    """Standard deviations of the priors on discrimination (around 1) and on biases (around 0)."""

    discrimination: float
    bias: float


@dataclass(frozen=True, slots=True)
class JudgeDesign:
    """``judge``: intp[n] in 0…j-1, the reference first. ``bias``: float64[n, 2], position (±1)
    and length term. ``prior_mean``, ``prior_weight``: float64[m + 3j]."""

    rows: Comparisons
    judge: NDArray[np.intp]
    labels: tuple[int, ...]
    bias: NDArray[np.float64]
    prior_mean: NDArray[np.float64]
    prior_weight: NDArray[np.float64]
    phantom: NDArray[np.float64]

    @property
    def n_judges(self) -> int:
        """Number of judges, people counting as one."""
        return len(self.labels)

    @property
    def n_models(self) -> int:
        """Number of models."""
        return self.rows.n_models


@dataclass(frozen=True, slots=True)
class JudgePoint:
    """Loss, gradient and expected curvature at one parameter vector, and each row's derivative:
    ``columns`` intp[n, 5] and ``values`` float64[n, 5], times ``residual`` float64[n]."""

    loss: float
    gradient: NDArray[np.float64]
    curvature: NDArray[np.float64]
    residual: NDArray[np.float64]
    columns: NDArray[np.intp]
    values: NDArray[np.float64]


def judge_design(
    rows: Comparisons, priors: BiasPriors, phantom: NDArray[np.float64]
) -> JudgeDesign:
    labels, judge = np.unique(rows.judge, return_inverse=True)
    order = _reference_first(labels, judge)
    place = np.argsort(order)
    bias = np.zeros((len(rows), 2))
    bias[:, 0] = np.where(rows.first_shown_a, 1.0, -1.0)
    if rows.has_feature(LENGTH):
        covariates = style_covariates(rows, (LENGTH,), CONVENTIONS["fastchat"], with_position=False)
        if covariates.names:
            bias[:, 1] = covariates.matrix[:, 0]
    m, j = rows.n_models, labels.size
    mean = np.concatenate([np.zeros(m), np.ones(j), np.zeros(2 * j)])
    weight = np.concatenate(
        [
            np.zeros(m),
            np.full(j, priors.discrimination**-2),
            np.full(2 * j, priors.bias**-2),
        ]
    )
    return JudgeDesign(
        rows=rows,
        judge=place[judge].astype(np.intp),
        labels=tuple(int(labels[k]) for k in order),
        bias=bias,
        prior_mean=mean,
        prior_weight=weight,
        phantom=phantom,
    )


def _reference_first(labels: NDArray[np.int32], judge: NDArray[np.intp]) -> NDArray[np.intp]:
    """Positions of ``labels``: people first, else the judge with most rows, then the others."""
    position = np.arange(labels.size)
    if not labels.size or labels[0] == UNKNOWN:
        return position
    reference = int(np.bincount(judge).argmax())
    return np.concatenate([[reference], position[position != reference]])


def _evaluate(design: JudgeDesign, parameters: NDArray[np.float64]) -> JudgePoint:
    rows, m, j = design.rows, design.n_models, design.n_judges
    theta = parameters[:m]
    sharp = parameters[m : m + j][design.judge]
    first = parameters[m + j : m + 2 * j][design.judge]
    longer = parameters[m + 2 * j :][design.judge]
    gap = theta[rows.model_a] - theta[rows.model_b]
    logit = sharp * gap + first * design.bias[:, 0] + longer * design.bias[:, 1]
    score = SCORE_OF_A[rows.outcome]
    chance = expit(logit)
    residual = rows.weight * (score - chance)
    info = rows.weight * chance * (1 - chance)
    free = design.judge > 0
    own = m + design.judge
    columns = np.stack([rows.model_a, rows.model_b, own, own + j, own + 2 * j], axis=1)
    columns = columns.astype(np.intp)
    values = np.column_stack(
        [sharp, -sharp, np.where(free, gap, 0.0), design.bias[:, 0], design.bias[:, 1]]
    )
    p = parameters.size
    matrix = csr_array(
        (values.ravel(), columns.ravel(), np.arange(0, values.size + 1, values.shape[1])),
        shape=(len(rows), p),
    )
    gradient = np.asarray(matrix.T @ residual, dtype=np.float64)
    weighted = csr_array(
        ((values * info[:, None]).ravel(), columns.ravel(), matrix.indptr), shape=matrix.shape
    )
    curvature = np.asarray((matrix.T @ weighted).toarray(), dtype=np.float64)
    loss = float(rows.weight @ (np.logaddexp(0, logit) - score * logit))
    loss += _add_priors(design, parameters, gradient, curvature)
    return JudgePoint(loss, gradient, curvature, residual, columns, values)


def _add_priors(
    design: JudgeDesign,
    parameters: NDArray[np.float64],
    gradient: NDArray[np.float64],
    curvature: NDArray[np.float64],
) -> float:
    """Add what the priors contribute in place; returns their share of the loss."""
    theta = parameters[: design.n_models]
    away = parameters - design.prior_mean
    own = expit(theta)
    gradient -= design.prior_weight * away
    gradient[: design.n_models] += design.phantom * (0.5 - own)
    diagonal = design.prior_weight.copy()
    diagonal[: design.n_models] += design.phantom * own * (1 - own)
    curvature[np.diag_indices(parameters.size)] += diagonal
    drawn = design.phantom @ (np.logaddexp(0, theta) + np.logaddexp(0, -theta))
    return 0.5 * float(design.prior_weight @ np.square(away)) + 0.5 * float(drawn)


def fit_judges(
    design: JudgeDesign, parameters: NDArray[np.float64]
) -> tuple[NDArray[np.float64], JudgePoint, int]:
    """Fisher scoring; it closes in by a fixed factor per step, so it may take a few dozen."""
    point = _evaluate(design, parameters)
    total = float(design.rows.weight.sum()) or 1.0
    for step in range(4 * MAX_STEPS):
        if float(np.abs(point.gradient).max(initial=0.0)) <= 1e-9 * total:
            return parameters, point, step
        move = pseudo_inverse(point.curvature) @ point.gradient
        length = 1.0
        while length > 1e-8:
            trial = parameters + length * move
            after = _evaluate(design, trial)
            if after.loss <= point.loss + 1e-12 * abs(point.loss):
                break
            length /= 2
        parameters, point = trial, after
    raise ConvergenceError(
        f"the judge-aware fit left a gradient of {np.abs(point.gradient).max():.3g}; leave out "
        "judges with few verdicts, or narrow the prior on discrimination"
    )


def judge_scores(design: JudgeDesign, point: JudgePoint) -> RowScores:
    """Each row's score: two strengths and its judge's three coefficients."""
    m = design.n_models
    values = point.values * point.residual[:, None]
    dense = np.zeros((values.shape[0], 3 * design.n_judges))
    rows = np.arange(values.shape[0])
    for k in (2, 3, 4):
        dense[rows, point.columns[:, k] - m] = values[:, k]
    entries = (
        (design.rows.model_a, values[:, 0].copy()),
        (design.rows.model_b, values[:, 1].copy()),
    )
    return RowScores(m, entries, dense)
