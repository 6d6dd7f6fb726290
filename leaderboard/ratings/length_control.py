"""AlpacaEval's length-controlled win rate: a small logistic model per challenger."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

N_FOLDS: Final = 5
INVERSE_PENALTIES: Final = np.logspace(-4, 4, 10)
"""The grid of C that sklearn's LogisticRegressionCV searches by default, as AlpacaEval does."""

MAX_SWEEPS: Final = 200


@dataclass(frozen=True, slots=True)
class LengthModel:
    """logit P(challenger preferred) = length·tanh(ΔL/sd) + difficulty·γ + quality.

    ``coefficients``: float64[3] in that order. ``inverse_penalty``: the C chosen by
    cross-validation. ``win_rate``: percent, with the length term at zero. ``influence``:
    float64[n], what each row moves ``win_rate`` by, for its clustered variance.
    """

    coefficients: NDArray[np.float64]
    inverse_penalty: float
    win_rate: float
    influence: NDArray[np.float64]


def length_term(
    challenger: NDArray[np.float64], baseline: NDArray[np.float64]
) -> NDArray[np.float64]:
    """tanh of the length difference in its standard deviations, float64[n].

    Lengths are in characters; the difference is baseline less challenger, as published. The
    spread is AlpacaEval's, the sample's with n in the denominator. Zero where all are alike.
    """
    gap = baseline - challenger
    spread = float(gap.std()) if gap.size else 0.0
    return np.tanh(gap / spread) if spread > 0 else np.zeros_like(gap)


def fit_length_model(
    preference: NDArray[np.float64],
    term: NDArray[np.float64],
    difficulty: NDArray[np.float64],
    fold: NDArray[np.intp],
) -> LengthModel:
    """Fit one challenger; all columns float64[n], ``preference`` in [0, 1], ``fold`` in 0…4.

    L1-penalised soft-label logistic regression, C chosen by the cross-validated log-loss over
    folds that keep a question together. As published, the constant is penalised like the rest.
    Differs in that no rows of gamed baselines are mixed in: those belong to the published
    question set.
    """
    design = np.column_stack([term, difficulty, np.ones_like(term)])
    penalty = _choose_penalty(design, preference, fold)
    beta = l1_logistic(design, preference, penalty)
    neutral = design.copy()
    neutral[:, 0] = 0.0
    chance = expit(neutral @ beta)
    influence = _influence(design, preference, beta, neutral, chance)
    return LengthModel(beta, penalty, 100 * float(chance.mean()), 100 * influence)


def l1_logistic(
    design: NDArray[np.float64],
    label: NDArray[np.float64],
    inverse_penalty: float,
    start: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """argmin ‖β‖₁ + C·Σ log-loss(label, σ(Xβ)) by cyclic Newton steps with soft thresholds."""
    beta = np.zeros(design.shape[1]) if start is None else start.copy()
    logit = design @ beta
    bound = 0.25 * np.square(design).sum(axis=0) * inverse_penalty
    for _ in range(MAX_SWEEPS * 50):
        largest = 0.0
        for j in range(beta.size):
            if bound[j] == 0:
                continue
            chance = expit(logit)
            slope = inverse_penalty * float(design[:, j] @ (chance - label))
            bend = inverse_penalty * float(np.square(design[:, j]) @ (chance * (1 - chance)))
            bend = max(bend, 1e-3 * float(bound[j]))
            move = _soft(beta[j] - slope / bend, 1 / bend) - beta[j]
            move = float(np.clip(move, -1.0, 1.0))
            beta[j] += move
            logit = logit + move * design[:, j]
            largest = max(largest, abs(move))
        if largest < 1e-9:
            break
    return beta


def _soft(value: float, threshold: float) -> float:
    return float(np.sign(value) * max(abs(value) - threshold, 0.0))


def _choose_penalty(
    design: NDArray[np.float64], label: NDArray[np.float64], fold: NDArray[np.intp]
) -> float:
    loss = np.zeros(INVERSE_PENALTIES.size)
    for held_out in range(N_FOLDS):
        is_train = fold != held_out
        if is_train.all() or not is_train.any():
            continue
        beta = np.zeros(design.shape[1])
        for k, penalty in enumerate(INVERSE_PENALTIES):
            beta = l1_logistic(design[is_train], label[is_train], float(penalty), beta)
            logit = design[~is_train] @ beta
            target = label[~is_train]
            loss[k] += float(np.sum(np.logaddexp(0, logit) - target * logit))
    return float(INVERSE_PENALTIES[int(loss.argmin())])


def _influence(
    design: NDArray[np.float64],
    label: NDArray[np.float64],
    beta: NDArray[np.float64],
    neutral: NDArray[np.float64],
    chance: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Sampling of questions plus estimation of the active coefficients, linearised."""
    n = label.size
    direct = (chance - chance.mean()) / n
    active = np.flatnonzero(beta)
    if not active.size:
        return np.asarray(direct, dtype=np.float64)
    fitted = expit(design @ beta)
    information = (design[:, active] * (fitted * (1 - fitted))[:, None]).T @ design[:, active]
    slope = ((chance * (1 - chance))[:, None] * neutral[:, active]).mean(axis=0)
    score = design[:, active] * (label - fitted)[:, None]
    moved: NDArray[np.float64] = score @ np.linalg.pinv(information) @ slope
    return np.asarray(direct + moved, dtype=np.float64)


def fit_difficulty(
    preference: NDArray[np.float64],
    term: NDArray[np.float64],
    model: NDArray[np.intp],
    question: NDArray[np.intp],
) -> NDArray[np.float64]:
    """float64[number of questions], how much each question favours challengers over the baseline.

    From logit = quality[model] + length·term + γ[question], γ ~ N(0, 1), all challengers
    together: the user's own stand-in for AlpacaEval's published table. With one challenger γ is
    zero throughout, as one answer cannot tell a hard question from a weak reply.
    """
    n_models, n_questions = int(model.max(initial=-1)) + 1, int(question.max(initial=-1)) + 1
    if np.unique(model).size < 2:
        return np.zeros(n_questions)
    p = n_models + 1 + n_questions
    design = np.zeros((preference.size, p))
    rows = np.arange(preference.size)
    design[rows, model] = 1.0
    design[:, n_models] = term
    design[rows, n_models + 1 + question] = 1.0
    ridge = np.full(p, 1e-3)
    ridge[n_models + 1 :] = 1.0
    beta = np.zeros(p)
    for _ in range(MAX_SWEEPS):
        chance = expit(design @ beta)
        gradient = design.T @ (preference - chance) - ridge * beta
        curvature = (design * (chance * (1 - chance))[:, None]).T @ design + np.diag(ridge)
        move = np.linalg.solve(curvature, gradient)
        beta = beta + move * min(1.0, 2.0 / max(float(np.abs(move).max()), 1e-300))
        if float(np.abs(move).max()) < 1e-10:
            break
    return beta[n_models + 1 :]
