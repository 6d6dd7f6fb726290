"""Battles folded into pair tables: all that order-free, feature-free methods need to know."""

import math
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from leaderboard.ratings.comparisons import Comparisons, Outcome
from leaderboard.ratings.pair_sums import bin_sums
from leaderboard.ratings.ratings import Counts

N_OUTCOMES = len(Outcome)
SMALLEST_BLOCK: Final = 1 << 16


@dataclass(slots=True)
class PairTable:
    """How often each outcome happened between each ordered pair of models.

    ``count``: int64[m, m, 4], rows of [side A, side B, outcome]. ``weight``: float64 of the same
    shape, the sum of the rows' weights (the same numbers while every weight is one).
    ``squared``: the sum of squared weights, what independent rows contribute to a variance.
    """

    count: NDArray[np.int64]
    weight: NDArray[np.float64]
    squared: NDArray[np.float64]

    @classmethod
    def empty(cls, n_models: int) -> "PairTable":
        """A table without battles."""
        shape = (n_models, n_models, N_OUTCOMES)
        return cls(np.zeros(shape, dtype=np.int64), np.zeros(shape), np.zeros(shape))

    @classmethod
    def of(cls, rows: Comparisons) -> "PairTable":
        """Fold ``rows``; one pass per column, whatever the number of models."""
        m = rows.n_models
        shape = (m, m, N_OUTCOMES)
        if has_unit_weights(rows):
            count = _count(rows).reshape(shape)
            return cls(count, count.astype(np.float64), count.astype(np.float64))
        key = cell_keys(rows)
        count = np.bincount(key, minlength=m * m * N_OUTCOMES).reshape(shape)
        return cls(count, _sums(key, rows.weight, shape), _sums(key, np.square(rows.weight), shape))

    @property
    def n_models(self) -> int:
        """Number of models."""
        return int(self.count.shape[0])

    def counts(self) -> Counts:
        """Unweighted battles per model."""
        return Counts.from_sides(self.count.sum(axis=1), self.count.sum(axis=0))

    def outcome_counts(self) -> dict[str, int]:
        """Number of rows of each outcome, by its name."""
        totals = self.count.sum(axis=(0, 1))
        return {outcome.name.lower(): int(totals[outcome]) for outcome in Outcome}


def _count(rows: Comparisons) -> NDArray[np.int64]:
    """int64[m·m·4], rows per cell, in blocks that stay in the cache with their keys."""
    cells = rows.n_models**2 * N_OUTCOMES
    total = np.zeros(cells, dtype=np.int64)
    block = max(SMALLEST_BLOCK, 4 * cells)  # adding up the blocks stays a fraction of the work
    for first in range(0, len(rows), block):
        key = cell_keys(rows, slice(first, first + block))
        total += np.bincount(key, minlength=cells)
    return total


def _sums(
    key: NDArray[np.intp], value: NDArray[np.float64], shape: tuple[int, int, int]
) -> NDArray[np.float64]:
    return bin_sums(key, value, math.prod(shape)).reshape(shape)


def cell_keys(rows: Comparisons, part: slice = slice(None)) -> NDArray[np.intp]:
    """intp[n], position of each row's (side A, side B, outcome) in a flattened ``PairTable``."""
    return _keys(rows, part, np.dtype(np.intp))


def narrow_cell_keys(rows: Comparisons) -> NDArray[np.int32]:
    """``cell_keys`` in half the memory: a table of more cells than int32 counts fits nowhere."""
    return _keys(rows, slice(None), np.dtype(np.int32))


Key = TypeVar("Key", np.intp, np.int32)


def _keys(rows: Comparisons, part: slice, dtype: np.dtype[Key]) -> NDArray[Key]:
    key = rows.model_a[part].astype(dtype)
    key *= rows.n_models
    key += rows.model_b[part]
    key *= N_OUTCOMES
    key += rows.outcome[part]
    return key


def has_unit_weights(rows: Comparisons) -> bool:
    """Whether no row is weighted, which lets counting replace summing."""
    weight = rows.weight
    return bool(weight.size == 0 or (weight[0] == 1 and np.all(weight == 1)))


@dataclass(frozen=True, slots=True)
class HalfWins:
    """Pair totals under "a tie is half a win", both float64[m, m].

    ``points[i, j]``: what i took from j. ``games[i, j]``: games between them, symmetric.
    """

    points: NDArray[np.float64]
    games: NDArray[np.float64]

    @classmethod
    def of(cls, weight: NDArray[np.float64], *, both_bad_is_tie: bool) -> "HalfWins":
        """From a ``PairTable`` weight; both-bad rows count as ties or are left out."""
        ties = weight[:, :, Outcome.TIE]
        if both_bad_is_tie:
            ties = ties + weight[:, :, Outcome.BOTH_BAD]
        points = weight[:, :, Outcome.MODEL_A] + weight[:, :, Outcome.MODEL_B].T
        points = points + 0.5 * (ties + ties.T)
        return cls(points, points + points.T)


@dataclass(frozen=True, slots=True)
class Connectivity:
    """Which models can be compared, and which ratings the data leave unbounded.

    ``component``: int64[m], 0, 1, … by size from the largest; -1 without a game. Models of
    different components never met, directly or through others.
    ``is_unbounded``: bool[m], the model stands outside the largest set in which everyone has
    taken points, through a chain, from everyone (Ford 1957): the likelihood has no maximum, its
    rating would run to ±infinity.
    """

    component: NDArray[np.int64]
    is_unbounded: NDArray[np.bool_]

    @classmethod
    def of(cls, halves: HalfWins) -> "Connectivity":
        """From pair totals."""
        has_games = halves.games.sum(axis=1) > 0
        component = _by_size(connected_components(csr_array(halves.games), directed=False)[1])
        component[~has_games] = -1
        component = _renumber(component)
        _, strong = connected_components(
            csr_array(halves.points), directed=True, connection="strong"
        )
        is_unbounded = np.zeros(has_games.size, dtype=bool)
        for label in range(component.max(initial=-1) + 1):
            members = np.flatnonzero(component == label)
            sizes = np.bincount(strong[members])
            is_core = (strong[members] == sizes.argmax()) & (sizes.max() > 1)
            is_unbounded[members] = ~is_core
        return cls(component, is_unbounded)

    @property
    def n_components(self) -> int:
        """Number of groups that never met each other."""
        return int(self.component.max(initial=-1)) + 1


def _by_size(labels: NDArray[np.int32]) -> NDArray[np.int64]:
    sizes = np.bincount(labels, minlength=1)
    place = np.empty(sizes.size, dtype=np.int64)
    place[np.argsort(-sizes, kind="stable")] = np.arange(sizes.size)
    return place[labels] if labels.size else np.empty(0, dtype=np.int64)


def _renumber(component: NDArray[np.int64]) -> NDArray[np.int64]:
    present = np.unique(component[component >= 0])
    return np.where(component >= 0, np.searchsorted(present, component), -1)
