"""What a difference of rewards means, learnt from people: the scale and the tie band.

Model (Rao & Kupper 1967, with a scale): for a difference d of two scores,

    P(a wins) = σ(d / s - t),  P(b wins) = σ(-d / s - t),  P(tie) = the rest,  t = ln η ≥ 0.

``s`` and ``t`` maximise the likelihood of people's outcomes. Reward models are trained to s = 1 and
know no ties; people disagree more than that, and tie.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from judging.agreement.estimates import Clusters
from judging.verdicts.base import Outcome

FEWEST_VOTES = 20
ROUNDS = 200
# in units of the differences' own spread: beyond these the votes say nothing about the parameter
_LOG_SCALE = (-6.0, 6.0)
_MOST_THRESHOLD = 10.0
_CODES = {Outcome.MODEL_A: 0, Outcome.MODEL_B: 1, Outcome.TIE: 2}

FloatArray = NDArray[np.float64]


class CalibrationError(ValueError):
    """Votes from which nothing can be learnt; the sentence says what is missing."""


@dataclass(frozen=True, slots=True)
class RewardCalibration:
    """``scale`` and ``tie_eta`` with 95 % intervals over clusters; log losses per vote in nats."""

    scale: float
    scale_interval: tuple[float, float]
    tie_eta: float
    tie_eta_interval: tuple[float, float]
    n: int
    log_loss: float
    log_loss_before: float


def calibrate(
    differences: Sequence[float], outcomes: Sequence[Outcome], clusters: Clusters, *, seed: int
) -> RewardCalibration:
    """Fit the scale and the tie band; ``differences`` are side a's score minus side b's, (n,).

    "Both are bad" says nothing of a difference and is left out. The intervals redraw clusters
    (questions) with replacement. Raises CalibrationError with too few votes, with votes of one
    kind only, or where no difference goes with them.
    """
    kept = [i for i, outcome in enumerate(outcomes) if outcome in _CODES]
    d = np.array([differences[i] for i in kept], dtype=np.float64)
    codes = np.array([_CODES[outcomes[i]] for i in kept], dtype=np.intp)
    _require(d, codes)
    spread = float(np.sqrt(np.mean(d**2)))
    names: dict[object, int] = {}
    index = np.array([names.setdefault(clusters[i], len(names)) for i in kept], dtype=np.intp)
    ones = np.ones(d.size)
    best = _fit(d / spread, codes, ones, np.array([0.0, 0.3]))
    generator = np.random.default_rng(seed)
    draws = np.array(
        [
            _fit(d / spread, codes, generator.multinomial(
                len(names), np.full(len(names), 1 / len(names)))[index].astype(np.float64), best)
            for _ in range(ROUNDS)
        ]
    )  # fmt: skip
    scales, etas = spread * np.exp(draws[:, 0]), np.exp(draws[:, 1])
    return RewardCalibration(
        scale=float(spread * np.exp(best[0])),
        scale_interval=_ends(scales),
        tie_eta=float(np.exp(best[1])),
        tie_eta_interval=_ends(etas),
        n=d.size,
        log_loss=_loss(best, d / spread, codes, ones) / d.size,
        log_loss_before=_loss(np.array([-np.log(spread), 0.01]), d / spread, codes, ones) / d.size,
    )


def _require(differences: FloatArray, codes: NDArray[np.intp]) -> None:
    if codes.size < FEWEST_VOTES:
        raise CalibrationError(
            f"there are {codes.size} votes on battles that this judge has scored; it takes "
            f"{FEWEST_VOTES} to calibrate it"
        )
    decided = codes < 2
    if not decided.any() or not differences.any():
        raise CalibrationError("all votes are ties, or all scores are alike: nothing to learn from")
    signs = np.where(codes[decided] == 0, 1.0, -1.0) * differences[decided]
    if signs.sum() <= 0:
        raise CalibrationError(
            "people prefer the answers with the lower scores here: no scale makes this judge right"
        )


def _fit(
    d: FloatArray, codes: NDArray[np.intp], weight: FloatArray, start: FloatArray
) -> FloatArray:
    """float64[2]: the log of the scale (in spreads) and the threshold t."""
    found = minimize(
        _loss,
        start,
        args=(d, codes, weight),
        method="L-BFGS-B",
        bounds=(_LOG_SCALE, (0.0, _MOST_THRESHOLD)),
    )
    best: FloatArray = found.x
    return best


def _loss(
    parameters: FloatArray, d: FloatArray, codes: NDArray[np.intp], weight: FloatArray
) -> float:
    """Minus the log-likelihood."""
    nats, threshold = d * np.exp(-parameters[0]), parameters[1]
    wins_a, wins_b = expit(nats - threshold), expit(-nats - threshold)
    shares = np.stack([wins_a, wins_b, np.clip(1 - wins_a - wins_b, 1e-12, None)])
    chosen = np.clip(shares[codes, np.arange(d.size)], 1e-12, None)
    return float(-(weight * np.log(chosen)).sum())


def _ends(draws: FloatArray) -> tuple[float, float]:
    lower, upper = np.quantile(draws, (0.025, 0.975))
    return float(lower), float(upper)
