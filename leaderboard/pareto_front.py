"""Which models are worth their price: the Pareto front of quality against cost, with its doubt.

Both figures are uncertain, so membership is a probability: quality and cost are drawn together
from normal distributions with the width of their 95 % intervals, and the share of draws in which
no other model is at least as good and at least as cheap is reported. Where the ratings' joint
covariance is known they are drawn together; independent draws overstate the doubt between models
whose ratings move together, so that the front is never sharper than the truth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
DRAWS = 4000
FEWEST_DRAWS = 1000  # an error of at most 1.6 points of a hundred
DRAWN_NUMBERS = 400_000  # draws times models: hundreds of models take fewer draws
WIDTH_OF_95 = 2 * 1.959963984540054  # standard deviations between the ends of a 95 % interval
SMALLEST_COST = 1e-12
ROOT_LIFT = 1e-8  # of the mean variance, before a root is taken


@dataclass(frozen=True, slots=True)
class Measured:
    """A figure with its 95 % interval; without one it counts as exact."""

    value: float
    lower: float | None = None
    upper: float | None = None

    @property
    def deviation(self) -> float:
        """The standard deviation that the interval speaks of."""
        if self.lower is None or self.upper is None:
            return 0.0
        return (self.upper - self.lower) / WIDTH_OF_95


def front(quality: Sequence[float], cost: Sequence[float]) -> list[bool]:
    """Whether each point is beaten by none: no other at least as good and as cheap, and better."""
    q, c = np.asarray(quality, float)[None], np.asarray(cost, float)[None]
    return [bool(value) for value in _on_front(q, c)[0]]


def front_probabilities(
    quality: Sequence[Measured],
    cost: Sequence[Measured],
    *,
    seed: int = 0,
    covariance: Floats | None = None,
) -> list[float]:
    """The probability of each point to lie on the front; costs stay positive.

    ``covariance``: float64[n, n] of the qualities; by default they are independent.
    """
    if not quality:
        return []
    random = np.random.default_rng(seed)
    draws = min(DRAWS, max(FEWEST_DRAWS, DRAWN_NUMBERS // len(quality)))
    if covariance is None:
        q = _drawn(quality, random, draws)
    else:
        q = _together(quality, covariance, random, draws)
    c = np.maximum(_drawn(cost, random, draws), SMALLEST_COST)
    contenders = np.flatnonzero(~_is_hopeless(q, c))
    share = np.zeros(len(quality))
    share[contenders] = _on_front(q[:, contenders], c[:, contenders]).mean(axis=0)
    return [float(value) for value in share]


def _is_hopeless(quality: Floats, cost: Floats) -> NDArray[np.bool_]:
    """Whether some other column is better and no dearer, whichever two rows are compared.

    Those are never on the front and keep none off it that the other does not; of hundreds of
    models most are such, and sorting is dear.
    """
    is_better = quality.min(axis=0)[:, None] > quality.max(axis=0)
    is_no_dearer = cost.max(axis=0)[:, None] <= cost.min(axis=0)
    hopeless: NDArray[np.bool_] = (is_better & is_no_dearer).any(axis=0)
    return hopeless


def _drawn(figures: Sequence[Measured], random: np.random.Generator, draws: int) -> Floats:
    values = np.array([figure.value for figure in figures])
    widths = np.array([figure.deviation for figure in figures])
    drawn: Floats = values + widths * random.standard_normal((draws, len(values)))
    return drawn


def _together(
    figures: Sequence[Measured], covariance: Floats, random: np.random.Generator, draws: int
) -> Floats:
    """Single precision for the deviations: seven digits of a chance error are plenty."""
    values = np.array([figure.value for figure in figures])
    root = _root(covariance).astype(np.float32)
    noise = random.standard_normal((draws, values.size), dtype=np.float32)
    drawn: Floats = values + noise @ root.T
    return drawn


def _root(covariance: Floats) -> Floats:
    """R with R·Rᵀ = ``covariance``, which is singular where ratings are centred.

    Cholesky's takes an eighth of the time of an eigendecomposition, once the diagonal is lifted
    by a ten-thousandth of a standard deviation; a matrix that rounding made indefinite gets the
    latter.
    """
    lift = ROOT_LIFT * np.trace(covariance) / len(covariance)
    try:
        root: Floats = np.linalg.cholesky(covariance + lift * np.eye(len(covariance)))
    except np.linalg.LinAlgError:
        power, direction = np.linalg.eigh(covariance)
        root = direction * np.sqrt(np.clip(power, 0, None))
    return root


def _on_front(quality: Floats, cost: Floats) -> NDArray[np.bool_]:
    """Row by row: walking up the cost, a point stays when it is better than all cheaper ones.

    Of points of equal cost the best comes first; exact twins are both on the front.
    """
    order = np.argsort(cost, axis=1)
    c = np.take_along_axis(cost, order, axis=1)
    has_ties = bool((c[:, 1:] == c[:, :-1]).any())
    if has_ties:
        order = np.lexsort((-quality, cost), axis=1)
    q = np.take_along_axis(quality, order, axis=1)
    keep = np.ones(q.shape, dtype=bool)
    keep[:, 1:] = q[:, 1:] > np.maximum.accumulate(q, axis=1)[:, :-1]
    if has_ties:  # sorting leaves the costs as they are, whichever of two equals comes first
        is_twin = (q[:, 1:] == q[:, :-1]) & (c[:, 1:] == c[:, :-1])
        for column in range(1, q.shape[1]):
            keep[:, column] |= is_twin[:, column - 1] & keep[:, column - 1]
    result = np.zeros(q.shape, dtype=bool)
    np.put_along_axis(result, order, keep, axis=1)
    return result
