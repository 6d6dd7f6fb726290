"""The middle of a cluster-robust sandwich: outer products of cluster sums, at speed.

A row's score has a handful of non-zero entries (two for a battle), so cluster sums are never
stored whole. Rows are put in cluster order once; small clusters are expanded into products of
rows, large ones summed block by block and multiplied as dense matrices.
"""

import math
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array

from leaderboard.ratings.clusters import ClusterPlan, Grouping
from leaderboard.ratings.pair_sums import bin_sums, laplacian

_BLOCK_BYTES: Final = 1 << 20  # a block of cluster sums stays in the second-level cache
_PAIRING_LIMIT: Final = 0.55  # times √columns: up to there clusters are cheaper row by row
_WORTH_SPLITTING: Final = 0.5  # share of rows in small clusters that pays for copying them apart

Entry = tuple[NDArray[np.int32], NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class RowScores:
    """Scores of n rows over p columns: sparse entries, then k dense columns.

    ``entries``: pairs (column int32[n] below ``n_sparse``, value float64[n]), each times its one
    of ``signs`` (all +1 when None).
    ``dense``: float64[n, k], columns ``n_sparse`` to ``n_sparse + k - 1``; None for none. Each
    column is multiplied by ``dense_factor``, float64[n], where that is given. Signs and factor
    stand apart so that no column of millions of rows is copied.
    """

    n_sparse: int
    entries: tuple[Entry, ...]
    dense: NDArray[np.float64] | None = None
    dense_factor: NDArray[np.float64] | None = None
    signs: tuple[float, ...] | None = None

    @classmethod
    def of_pairs(
        cls,
        n_models: int,
        model_a: NDArray[np.int32],
        model_b: NDArray[np.int32],
        residual: NDArray[np.float64],
        covariates: NDArray[np.float64] | None = None,
    ) -> "RowScores":
        """Scores ``residual · (e_a - e_b)``, with ``residual · covariates`` behind them."""
        entries = ((model_a, residual), (model_b, residual))
        factor = None if covariates is None else residual
        return cls(n_models, entries, covariates, factor, (1.0, -1.0))

    @property
    def n_columns(self) -> int:
        """Sparse plus dense columns."""
        return self.n_sparse + (0 if self.dense is None else self.dense.shape[1])

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return int(self.entries[0][1].shape[0])

    @property
    def signed(self) -> list[tuple[NDArray[np.int32], NDArray[np.float64], float]]:
        """Entries with their signs."""
        signs = self.signs or (1.0,) * len(self.entries)
        return [(*entry, sign) for entry, sign in zip(self.entries, signs, strict=True)]

    @property
    def entries_per_row(self) -> int:
        """Sparse entries of every row."""
        return len(self.entries)

    def dense_column(
        self, j: int, buffer: NDArray[np.float64] | None = None
    ) -> NDArray[np.float64]:
        """float64[n], dense column ``j`` with its factor; written to ``buffer`` where given."""
        if self.dense is None:
            raise IndexError("these scores have no dense columns")
        column: NDArray[np.float64] = self.dense[:, j]
        if self.dense_factor is None:
            return column
        return np.multiply(column, self.dense_factor, out=buffer)

    def take(self, rows: NDArray[np.intp]) -> "RowScores":
        """The sparse entries of the given rows, in the given order."""
        gathered = {id(value): value[rows] for _, value in self.entries}
        entries = tuple((column[rows], gathered[id(value)]) for column, value in self.entries)
        return RowScores(self.n_sparse, entries, signs=self.signs)

    def listed(self, rows: slice) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """Columns and signed values of some rows' entries, those of a row next to each other."""
        width = len(self.entries)
        stop = min(rows.stop, self.n_rows)
        columns = np.empty((stop - rows.start, width), dtype=np.int32)
        values = np.empty((stop - rows.start, width))
        for place, (column, value, sign) in enumerate(self.signed):
            columns[:, place] = column[rows]
            np.multiply(value[rows], sign, out=values[:, place])
        return columns.reshape(-1), values.reshape(-1)

    def own_products(self) -> NDArray[np.float64]:
        """Σ over rows of row·rowᵀ, float64[p, p]."""
        return _products(self, self)

    def expanded(self) -> "RowScores":
        """Themselves: these scores are written out row by row."""
        return self

    def in_cluster_order(self, group: Grouping) -> "RowScores":
        """The sparse entries, rows of a cluster next to each other."""
        if len(self.entries) != 2 or self.entries[0][1] is not self.entries[1][1]:
            return self.take(rows_by_cluster(group))
        (a, value), (b, _) = self.entries
        width = np.int32(self.n_sparse)  # whose square fits: there are no 46,341 models
        column, ordered = _by_cluster(group, a * width + b, value)
        first = column // width  # divmod is not vectorised, a division is
        second = column - first * width
        return RowScores(self.n_sparse, ((first, ordered), (second, ordered)), signs=self.signs)


@dataclass(frozen=True, slots=True)
class CellScores:
    """Scores of n rows that differ by cell only: unweighted battles without covariates.

    ``cell``: int32[n], a row's (side A, side B, outcome) flattened, which fits: there are no
    23,170 models. ``ends``: int32[cells, 2], the columns of side A and B; ``values``:
    float64[cells, 2], what A gains and B loses there. Five bytes a row are moved into cluster
    order instead of twelve, and a row is written out only when its block is summed, so that the
    cost of a row does not grow with their number.
    """

    n_sparse: int
    cell: NDArray[np.int32]
    ends: NDArray[np.int32]
    values: NDArray[np.float64]

    @classmethod
    def of(
        cls, n_models: int, cell: NDArray[np.int32], residual: NDArray[np.float64]
    ) -> "CellScores":
        """From ``residual``, float64[m·m·outcomes], what side A gains and side B loses."""
        pair = np.arange(residual.size, dtype=np.int32) // np.int32(residual.size // n_models**2)
        ends = np.stack(np.divmod(pair, np.int32(n_models)), axis=1)
        return cls(n_models, cell, ends, np.stack([residual, -residual], axis=1))

    @property
    def n_columns(self) -> int:
        """One column per model."""
        return self.n_sparse

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return int(self.cell.shape[0])

    @property
    def entries_per_row(self) -> int:
        """Both sides."""
        return 2

    def listed(self, rows: slice) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """Columns and signed values of some rows' entries, those of a row next to each other."""
        cell = self.cell[rows]
        # indexing rows of a matrix takes eight times as long as ``take``
        return self.ends.take(cell, axis=0).reshape(-1), self.values.take(cell, axis=0).reshape(-1)

    def own_products(self) -> NDArray[np.float64]:
        """Σ over rows of row·rowᵀ, float64[p, p]; by cells, so that rows are only counted."""
        count = np.bincount(self.cell, minlength=self.values.shape[0])
        squares = count * self.values[:, 0] ** 2
        return laplacian(squares.reshape(self.n_sparse, self.n_sparse, -1).sum(axis=2))

    def take(self, rows: NDArray[np.intp]) -> "CellScores":
        """The scores of the given rows, in the given order."""
        return CellScores(self.n_sparse, self.cell[rows], self.ends, self.values)

    def expanded(self) -> RowScores:
        """The same scores row by row."""
        ends = self.ends.take(self.cell, axis=0)
        value = self.values[self.cell, 0]
        return RowScores.of_pairs(self.n_sparse, ends[:, 0], ends[:, 1], value)

    def in_cluster_order(self, group: Grouping) -> "CellScores":
        """Rows of a cluster next to each other."""
        marks = np.ones(self.n_rows, dtype=np.int8)  # the sort wants a second column
        ordered, _ = _by_cluster(group, self.cell, marks)
        return CellScores(self.n_sparse, ordered, self.ends, self.values)


def clustered_meat(scores: RowScores | CellScores, plan: ClusterPlan) -> NDArray[np.float64]:
    """float64[p, p], the signed sum over the plan's groupings, each scaled by G/(G-1).

    A two-way meat can be indefinite; its negative eigenvalues are set to zero, as Cameron,
    Gelbach & Miller (2011, section 2.3) advise.
    """
    meat = np.zeros((scores.n_columns, scores.n_columns))
    for sign, group in plan.terms:
        correction = group.n_clusters / max(group.n_clusters - 1, 1)
        meat += sign * correction * one_way_meat(scores, group)
    return positive_part(meat) if len(plan.terms) > 1 else meat


def positive_part(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """The nearest positive semi-definite matrix to a symmetric one."""
    value, vector = np.linalg.eigh(matrix)
    if value.size == 0 or value[0] >= 0:
        return matrix
    positive: NDArray[np.float64] = (vector * np.clip(value, 0, None)) @ vector.T
    return positive


def one_way_meat(scores: RowScores | CellScores, group: Grouping) -> NDArray[np.float64]:
    """Σ over clusters of (cluster's score sum)(cluster's score sum)ᵀ, float64[p, p]."""
    if group.n_clusters == scores.n_rows:
        return scores.own_products()
    size = np.bincount(group.label, minlength=group.n_clusters)
    if isinstance(scores, RowScores) and scores.dense is not None:
        return _blocked(scores.in_cluster_order(group), size, _dense_sums(scores, group))
    is_small = size <= max(1, int(_PAIRING_LIMIT * math.sqrt(scores.n_columns)))
    if is_small.all():
        return _paired(scores, group, size)
    ordered = scores.in_cluster_order(group)
    if size[is_small].sum() < _WORTH_SPLITTING * scores.n_rows:
        return _blocked(ordered, size, None)
    of_small = np.repeat(is_small, size)
    small, large = (ordered.take(np.flatnonzero(part)) for part in (of_small, ~of_small))
    meat = small.own_products() + _cross_products(small, size[is_small])
    return meat + _blocked(large, size[~is_small], None)


def rows_by_cluster(group: Grouping) -> NDArray[np.intp]:
    """Row numbers ordered by cluster."""
    n = group.label.shape[0]
    order, _ = _by_cluster(group, np.arange(n, dtype=np.int32), np.ones(n, dtype=np.int8))
    return order.astype(np.intp)


Value = TypeVar("Value", np.float64, np.int8)


def _by_cluster(
    group: Grouping, column: NDArray[np.int32], value: NDArray[Value]
) -> tuple[NDArray[np.int32], NDArray[Value]]:
    """Both columns in cluster order, by the counting sort inside scipy's COO to CSR conversion.

    The conversion is told that nothing repeats, because merging repeats would cost a sort.
    """
    width = int(column.max(initial=0)) + 1
    table = coo_array(
        (value, (group.label.astype(np.int32), column)), shape=(group.n_clusters, width)
    )
    table.has_canonical_format = True
    ordered = table.tocsr()
    return ordered.indices, ordered.data


def _dense_sums(scores: RowScores, group: Grouping) -> NDArray[np.float64]:
    """float64[G, k], the sum of each dense column within each cluster."""
    k = scores.n_columns - scores.n_sparse
    sums = np.empty((group.n_clusters, k))
    buffer = np.empty(scores.n_rows)  # fresh memory for every column would cost more than the sum
    for j in range(k):
        column = scores.dense_column(j, buffer)
        sums[:, j] = bin_sums(group.label, column, group.n_clusters)
    return sums


def _products(left: RowScores, right: RowScores) -> NDArray[np.float64]:
    """Σ over rows of left·rightᵀ, row by row, float64[p, p]."""
    m, p = left.n_sparse, left.n_columns
    sparse = np.zeros(m * m)
    for row, value, sign in left.signed:
        key = row.astype(np.intp) * m
        for column, other, other_sign in right.signed:
            sparse += sign * other_sign * bin_sums(key + column, value * other, m * m)
    total = np.zeros((p, p))
    total[:m, :m] = sparse.reshape(m, m)
    for j in range(p - m):
        own, other = left.dense_column(j), right.dense_column(j)
        for row, value, sign in left.signed:
            total[:m, m + j] += sign * bin_sums(row, value * other, m)
        for row, value, sign in right.signed:
            total[m + j, :m] += sign * bin_sums(row, value * own, m)
        for i in range(p - m):
            total[m + j, m + i] = own @ right.dense_column(i)
    return total


def _paired(
    scores: RowScores | CellScores, group: Grouping, size: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Each row with itself and with the other rows of its cluster; only the latter need order."""
    meat = scores.own_products()
    has_others = size > 1
    together = np.flatnonzero(has_others[group.label])
    if together.size:
        some = Grouping(group.label[together], group.n_clusters)
        ordered = scores.take(together).in_cluster_order(some)
        meat += _cross_products(ordered, size[has_others])
    return meat


def _cross_products(scores: RowScores | CellScores, size: NDArray[np.intp]) -> NDArray[np.float64]:
    """Rows in cluster order: each row with the others of its cluster, float64[p, p]."""
    rows = scores.expanded()
    total = np.zeros((rows.n_columns, rows.n_columns))
    rows_left = np.repeat(size, size) - _place_in_cluster(size)
    for distance in range(1, int(size.max(initial=1))):
        earlier = np.flatnonzero(rows_left > distance)
        cross = _products(rows.take(earlier), rows.take(earlier + distance))
        total += cross + cross.T
    return total


def _place_in_cluster(size: NDArray[np.intp]) -> NDArray[np.intp]:
    start = np.cumsum(size) - size
    return np.arange(int(size.sum()), dtype=np.intp) - np.repeat(start, size)


def _blocked(
    scores: RowScores | CellScores, size: NDArray[np.intp], dense_sums: NDArray[np.float64] | None
) -> NDArray[np.float64]:
    """Rows in cluster order: cluster sums of one block after the other, as dense products.

    Writing a sparse matrix out as a dense one adds up what repeats, which sums the clusters.
    """
    m = scores.n_sparse
    p = m + (0 if dense_sums is None else dense_sums.shape[1])
    meat = np.zeros((p, p))
    bounds = np.concatenate([[0], np.cumsum(size)])
    per_block = max(1, _BLOCK_BYTES // (8 * p))
    for first in range(0, size.size, per_block):
        last = min(first + per_block, size.size)
        start, stop = bounds[first], bounds[last]
        columns, values = scores.listed(slice(int(start), int(stop)))
        ends = (bounds[first : last + 1] - start) * scores.entries_per_row
        block = csr_array((values, columns, ends.astype(np.int32)), (last - first, m)).toarray()
        if dense_sums is not None:
            block = np.hstack([block, dense_sums[first:last]])
        meat += block.T @ block
    return meat
