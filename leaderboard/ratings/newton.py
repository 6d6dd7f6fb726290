"""Maximum of the Bradley–Terry likelihood on pair totals, by exact Newton steps."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.special import expit

from leaderboard.ratings.cells import Connectivity, HalfWins
from leaderboard.ratings.errors import RatingError

MAX_STEPS: Final = 100
"""Newton doubles the correct digits each step; well-posed fits need about six."""

ROUNDING: Final = 64 * float(np.finfo(float).eps)
"""Gradient, relative to the games behind it, that counts as zero in double precision."""


class ConvergenceError(RatingError, ArithmeticError):
    """A fit did not reach its maximum; no number is better than a wrong one."""


class SeparationError(RatingError):
    """The likelihood has no finite maximum and the caller chose no prior."""


@dataclass(frozen=True, slots=True)
class StrengthFit:
    """Where Newton stopped.

    ``strength``: float64[m], log-odds, mean zero in each component; NaN without a game.
    ``bread``: float64[m, m], inverse of the curvature on differences within components, zero rows
    for models without a game. ``curvature_diagonal``: float64[m].
    ``gradient``: largest absolute score left, in games. ``steps``: Newton steps taken.
    """

    strength: NDArray[np.float64]
    bread: NDArray[np.float64]
    curvature_diagonal: NDArray[np.float64]
    gradient: float
    steps: int


def fit_strengths(
    halves: HalfWins,
    connectivity: Connectivity,
    *,
    phantom_games: NDArray[np.float64],
    start: NDArray[np.float64] | None = None,
    with_bread: bool = True,
) -> StrengthFit:
    """Maximise Σ points·ln σ(θi-θj) + Σ phantom·½(ln σ(θi) + ln σ(-θi)).

    ``phantom_games``: float64[m], drawn games against an opponent of average strength; zero for
    plain maximum likelihood. ``start``: float64[m], a previous optimum to start from.
    ``with_bread=False`` saves the inverse where only strengths are wanted; the bread is then zero.
    Raises ConvergenceError after ``MAX_STEPS``.
    """
    played = np.flatnonzero(connectivity.component >= 0)
    m = connectivity.component.size
    problem = _Problem.of(halves, connectivity, phantom_games, played)
    theta = np.zeros(played.size) if start is None else np.nan_to_num(start[played])
    steps, gradient, curvature = 0, 0.0, np.zeros((0, 0))
    if played.size:
        theta, steps, gradient, curvature = _climb(problem, theta)
    strength = np.full(m, np.nan)
    strength[played] = problem.centred(theta)
    bread, diagonal = np.zeros((m, m)), np.zeros(m)
    if played.size and with_bread:
        bread[np.ix_(played, played)] = problem.centred_inverse(problem.factor(curvature))
        diagonal[played] = np.diag(curvature)
    return StrengthFit(strength, bread, diagonal, gradient, steps)


@dataclass(frozen=True, slots=True)
class _Problem:
    points: NDArray[np.float64]
    games: NDArray[np.float64]
    phantom: NDArray[np.float64]
    membership: NDArray[np.float64]  # one column per component, unit length
    floating: NDArray[np.float64]  # those columns whose location no phantom holds
    scale: float

    @classmethod
    def of(
        cls,
        halves: HalfWins,
        connectivity: Connectivity,
        phantom: NDArray[np.float64],
        played: NDArray[np.intp],
    ) -> "_Problem":
        games = halves.games[np.ix_(played, played)]
        label = connectivity.component[played]
        membership = (label[:, None] == np.arange(connectivity.n_components)).astype(np.float64)
        membership /= np.sqrt(np.maximum(membership.sum(axis=0), 1))
        total = games.sum(axis=1) + phantom[played]
        return cls(
            points=halves.points[np.ix_(played, played)],
            games=games,
            phantom=phantom[played],
            membership=membership,
            floating=membership[:, (membership.T @ phantom[played]) == 0],
            scale=float(total.max(initial=0.0)),
        )

    def centred(self, theta: NDArray[np.float64]) -> NDArray[np.float64]:
        return theta - self.membership @ (self.membership.T @ theta)

    def factor(self, curvature: NDArray[np.float64]) -> tuple[NDArray[np.float64], bool]:
        """Cholesky's, of the curvature with the location of each floating component pinned."""
        pin = max(float(np.diag(curvature).mean()), np.finfo(float).tiny)
        return cho_factor(curvature + pin * (self.floating @ self.floating.T))

    def centred_inverse(self, factor: tuple[NDArray[np.float64], bool]) -> NDArray[np.float64]:
        inverse = cho_solve(factor, np.eye(self.games.shape[0]))
        inverse -= self.membership @ (self.membership.T @ inverse)
        inverse -= (inverse @ self.membership) @ self.membership.T
        return inverse

    def loss(self, theta: NDArray[np.float64]) -> float:
        """Negative log likelihood."""
        gap = theta[:, None] - theta[None, :]
        own = 0.5 * self.phantom @ (np.logaddexp(0, theta) + np.logaddexp(0, -theta))
        return float(np.sum(self.points * np.logaddexp(0, -gap)) + own)

    def slope(self, theta: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Gradient of the log likelihood and its curvature, components pinned."""
        chance = expit(theta[:, None] - theta[None, :])
        expected = self.games * chance
        phantom_chance = expit(theta)
        gradient = (self.points - expected).sum(axis=1) + self.phantom * (0.5 - phantom_chance)
        information = expected * chance.T
        curvature = -information
        own = information.sum(axis=1) + self.phantom * phantom_chance * (1 - phantom_chance)
        np.fill_diagonal(curvature, own - np.diag(information))
        return gradient, curvature


def _climb(
    problem: _Problem, theta: NDArray[np.float64]
) -> tuple[NDArray[np.float64], int, float, NDArray[np.float64]]:
    """The maximum, the steps to it, the largest gradient left, and the curvature there."""
    best = np.inf
    for step in range(MAX_STEPS):
        gradient, curvature = problem.slope(theta)
        largest = float(np.abs(gradient).max())
        has_stalled = largest >= 0.5 * best and best <= 1e-9 * problem.scale
        if largest <= ROUNDING * problem.scale or has_stalled:
            return theta, step, largest, curvature
        best = min(best, largest)
        move = cho_solve(problem.factor(curvature), gradient)
        theta = _damped(problem, theta, move, gradient)
    raise ConvergenceError(
        f"the Bradley–Terry fit left a gradient of {largest:.3g} games after {MAX_STEPS} steps; "
        "look for extreme weights, or choose a prior"
    )


def _damped(
    problem: _Problem,
    theta: NDArray[np.float64],
    move: NDArray[np.float64],
    gradient: NDArray[np.float64],
) -> NDArray[np.float64]:
    """A full Newton step where that is safe, else halved until the likelihood rises."""
    if np.abs(move).max() < 0.5:  # self-concordance: full steps converge quadratically here
        return theta + move
    loss, slope, length = problem.loss(theta), float(gradient @ move), 1.0
    while length > 1e-10:
        trial = theta + length * move
        if problem.loss(trial) <= loss - 1e-4 * length * slope:
            return trial
        length /= 2
    raise ConvergenceError(
        "no step along the Newton direction raises the Bradley–Terry likelihood; "
        "look for extreme weights, or choose a prior"
    )
