"""The middle of a cluster-robust sandwich: outer products of cluster sums, at speed.

A row's score has a handful of non-zero entries (two for a battle), so cluster sums are never
stored whole. Rows are put in cluster order once; small clusters are expanded into products of
rows, large ones summed block by block and multiplied as dense matrices.
"""

from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array

from leaderboard.ratings.clusters import ClusterPlan, Grouping
from leaderboard.ratings.pair_sums import bin_sums

_BLOCK_BYTES: Final = 1 << 20  # a block of cluster sums stays in the second-level cache
_PAIRING_LIMIT: Final = 0.07  # clusters up to this share of the columns are cheaper row by row
_WORTH_SPLITTING: Final = 0.5  # share of rows in small clusters that pays for copying them apart

Entry = tuple[NDArray[np.int32], NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class RowScores:
    """Scores of n rows over p columns: sparse entries, then k dense columns.

    ``entries``: pairs (column int32[n] below ``n_sparse``, value float64[n]).
    ``dense``: float64[n, k], columns ``n_sparse`` to ``n_sparse + k - 1``; None for none.
    ``pair_residual``: float64[n] where the two entries are it and its negative, which saves work.
    """

    n_sparse: int
    entries: tuple[Entry, ...]
    dense: NDArray[np.float64] | None = None
    pair_residual: NDArray[np.float64] | None = None

    @classmethod
    def of_pairs(
        cls,
        n_models: int,
        model_a: NDArray[np.int32],
        model_b: NDArray[np.int32],
        residual: NDArray[np.float64],
        dense: NDArray[np.float64] | None = None,
    ) -> "RowScores":
        """Scores ``residual · (e_a - e_b)``, as every model of strengths has them."""
        return cls(n_models, ((model_a, residual), (model_b, -residual)), dense, residual)

    @property
    def n_columns(self) -> int:
        """Sparse plus dense columns."""
        return self.n_sparse + (0 if self.dense is None else self.dense.shape[1])

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return int(self.entries[0][1].shape[0])

    def take(self, rows: NDArray[np.intp]) -> "RowScores":
        """The sparse entries of the given rows, in the given order."""
        entries = tuple((column[rows], value[rows]) for column, value in self.entries)
        return RowScores(self.n_sparse, entries)

    def in_cluster_order(self, group: Grouping) -> "RowScores":
        """The sparse entries, rows of a cluster next to each other."""
        if len(self.entries) != 2 or self.pair_residual is None:
            return self.take(rows_by_cluster(group))
        (a, _), (b, _) = self.entries
        packed = a.astype(np.int64) * self.n_sparse + b
        column, residual = _by_cluster(group, packed, self.pair_residual)
        first = column // self.n_sparse
        return RowScores(
            self.n_sparse, ((first, residual), (column - first * self.n_sparse, -residual))
        )


def clustered_meat(scores: RowScores, plan: ClusterPlan) -> NDArray[np.float64]:
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


def one_way_meat(scores: RowScores, group: Grouping) -> NDArray[np.float64]:
    """Σ over clusters of (cluster's score sum)(cluster's score sum)ᵀ, float64[p, p]."""
    if group.n_clusters == scores.n_rows:
        return _products(scores, scores)
    size = np.bincount(group.label, minlength=group.n_clusters)
    ordered = scores.in_cluster_order(group)
    if scores.dense is not None:
        return _blocked(ordered, size, _dense_sums(scores.dense, group))
    is_small = size <= max(1, int(_PAIRING_LIMIT * scores.n_columns))
    if size[is_small].sum() < _WORTH_SPLITTING * scores.n_rows:
        return _blocked(ordered, size, None)
    if is_small.all():
        return _paired(ordered, size)
    of_small = np.repeat(is_small, size)
    meat = _paired(ordered.take(np.flatnonzero(of_small)), size[is_small])
    meat += _blocked(ordered.take(np.flatnonzero(~of_small)), size[~is_small], None)
    return meat


def rows_by_cluster(group: Grouping) -> NDArray[np.intp]:
    """Row numbers ordered by cluster."""
    n = group.label.shape[0]
    order, _ = _by_cluster(group, np.arange(n, dtype=np.int64), np.ones(n, dtype=np.int8))
    return order.astype(np.intp)


Value = TypeVar("Value", np.float64, np.int8)


def _by_cluster(
    group: Grouping, column: NDArray[np.int64], value: NDArray[Value]
) -> tuple[NDArray[np.int32], NDArray[Value]]:
    """Both columns in cluster order, by the counting sort inside scipy's COO to CSR conversion.

    The conversion is told that nothing repeats, because merging repeats would cost a sort.
    """
    width = int(column.max(initial=0)) + 1
    kind = np.int32 if max(width, group.n_clusters) < np.iinfo(np.int32).max else np.int64
    table = coo_array(
        (value, (group.label.astype(kind), column.astype(kind))), shape=(group.n_clusters, width)
    )
    table.has_canonical_format = True
    ordered = table.tocsr()
    return ordered.indices, ordered.data


def _dense_sums(dense: NDArray[np.float64], group: Grouping) -> NDArray[np.float64]:
    """float64[G, k], the sum of each dense column within each cluster."""
    sums = np.empty((group.n_clusters, dense.shape[1]))
    for j in range(dense.shape[1]):
        sums[:, j] = bin_sums(group.label, dense[:, j], group.n_clusters)
    return sums


def _products(left: RowScores, right: RowScores) -> NDArray[np.float64]:
    """Σ over rows of left·rightᵀ, row by row, float64[p, p]."""
    m, p = left.n_sparse, left.n_columns
    sparse = np.zeros(m * m)
    for row, value in left.entries:
        key = row.astype(np.intp) * m
        for column, other in right.entries:
            sparse += np.bincount(key + column, value * other, minlength=m * m)
    total = np.zeros((p, p))
    total[:m, :m] = sparse.reshape(m, m)
    if left.dense is not None and right.dense is not None:
        total[m:, m:] = left.dense.T @ right.dense
        for j in range(p - m):
            for row, value in left.entries:
                total[:m, m + j] += np.bincount(row, value * right.dense[:, j], minlength=m)
            for row, value in right.entries:
                total[m + j, :m] += np.bincount(row, value * left.dense[:, j], minlength=m)
    return total


def _paired(scores: RowScores, size: NDArray[np.intp]) -> NDArray[np.float64]:
    """Rows in cluster order: each row with itself and with the later rows of its cluster."""
    meat = _products(scores, scores)
    rows_left = np.repeat(size, size) - _place_in_cluster(size)
    for distance in range(1, int(size.max(initial=1))):
        earlier = np.flatnonzero(rows_left > distance)
        cross = _products(scores.take(earlier), scores.take(earlier + distance))
        meat += cross + cross.T
    return meat


def _place_in_cluster(size: NDArray[np.intp]) -> NDArray[np.intp]:
    start = np.cumsum(size) - size
    return np.arange(int(size.sum()), dtype=np.intp) - np.repeat(start, size)


def _blocked(
    scores: RowScores, size: NDArray[np.intp], dense_sums: NDArray[np.float64] | None
) -> NDArray[np.float64]:
    """Rows in cluster order: cluster sums of one block after the other, as dense products."""
    m = scores.n_sparse
    p = m + (0 if dense_sums is None else dense_sums.shape[1])
    meat = np.zeros((p, p))
    stop = np.cumsum(size)
    start = stop - size
    per_block = max(1, _BLOCK_BYTES // (8 * p))
    for first in range(0, size.size, per_block):
        last = min(first + per_block, size.size)
        rows = slice(int(start[first]), int(stop[last - 1]))
        key = np.repeat(np.arange(last - first, dtype=np.intp) * m, size[first:last])
        sums = np.zeros((last - first) * m)
        for column, value in scores.entries:
            sums += np.bincount(key + column[rows], value[rows], minlength=sums.size)
        block = sums.reshape(last - first, m)
        if dense_sums is not None:
            block = np.hstack([block, dense_sums[first:last]])
        meat += block.T @ block
    return meat
