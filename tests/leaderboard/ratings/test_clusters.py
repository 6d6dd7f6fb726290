"""Cluster-robust sums against a plain loop, and what clustering must and must not do."""

import numpy as np
import pytest
from numpy.typing import NDArray

from leaderboard.ratings import METHODS, Comparisons
from leaderboard.ratings.cells import PairTable
from leaderboard.ratings.clusters import (
    ClusterError,
    Grouping,
    group_rows,
    intersect,
    plan_clusters,
)
from leaderboard.ratings.meat import CellScores, RowScores, one_way_meat

BT = METHODS.get("bradley_terry")


def by_hand(scores: NDArray[np.float64], label: NDArray[np.intp]) -> NDArray[np.float64]:
    meat = np.zeros((scores.shape[1],) * 2)
    for cluster in np.unique(label):
        total = scores[label == cluster].sum(axis=0)
        meat += np.outer(total, total)
    return meat


@pytest.mark.parametrize("n_clusters", [1, 3, 40, 300, 2000])
@pytest.mark.parametrize("k", [0, 2])
@pytest.mark.parametrize("m", [3, 60])
def test_the_meat_equals_a_plain_loop_over_clusters(n_clusters: int, k: int, m: int) -> None:
    rng = np.random.default_rng(n_clusters + k)
    n = 600
    a, b = rng.integers(0, m - 1, n).astype(np.int32), np.full(n, m - 1, dtype=np.int32)
    residual, dense = rng.normal(size=n), rng.normal(size=(n, k))
    group = group_rows(rng.integers(0, n_clusters, n).astype(np.int32))
    whole = np.zeros((n, m + k))
    whole[np.arange(n), a] += residual
    whole[np.arange(n), b] -= residual
    whole[:, m:] = dense
    scores = RowScores(m, ((a, residual), (b, -residual)), dense if k else None)
    np.testing.assert_allclose(one_way_meat(scores, group), by_hand(whole, group.label), atol=1e-9)


@pytest.mark.parametrize("n_clusters", [1, 40, 300, 600])
def test_scores_by_cell_give_the_meat_of_the_same_rows(n_clusters: int) -> None:
    rng = np.random.default_rng(n_clusters)
    n, m, outcomes = 600, 30, 4
    cell = rng.integers(0, m * m * outcomes, n).astype(np.int32)
    residual = rng.normal(size=m * m * outcomes)
    label = np.arange(n) if n_clusters == n else rng.integers(0, n_clusters, n)
    group = group_rows(label.astype(np.int32))
    first, second = np.divmod(cell // outcomes, m)
    rows = RowScores.of_pairs(m, first, second, residual[cell])
    by_cell = one_way_meat(CellScores.of(m, cell, residual), group)
    np.testing.assert_allclose(by_cell, one_way_meat(rows, group), atol=1e-12)


def test_a_pair_table_counts_in_blocks_what_it_counts_at_once(
    quartet: Comparisons, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = PairTable.of(quartet).count
    monkeypatch.setattr("leaderboard.ratings.cells.SMALLEST_BLOCK", 1)
    np.testing.assert_array_equal(PairTable.of(quartet).count, whole)
    assert whole.sum() == len(quartet)


def test_rows_that_do_not_know_their_cluster_stand_alone() -> None:
    group = group_rows(np.array([5, -1, 5, -1], dtype=np.int32))
    assert group.n_clusters == 3
    assert group.label[0] == group.label[2]
    assert group.label[1] != group.label[3]


def test_sparse_cluster_ids_are_compacted() -> None:
    group = group_rows(np.array([2_000_000_000, 7, 2_000_000_000], dtype=np.int32))
    assert (group.n_clusters, group.label.tolist()) == (2, [1, 0, 1])


def test_an_intersection_keeps_rows_together_only_if_both_do() -> None:
    first = Grouping(np.array([0, 0, 1, 1]), 2)
    second = Grouping(np.array([0, 0, 0, 1]), 2)
    both = intersect(first, second)
    assert both.n_clusters == 3
    assert both.label[0] == both.label[1]
    assert len(set(both.label[1:].tolist())) == 3


def repeat_battles(rows: Comparisons, times: int) -> Comparisons:
    return rows.select(np.repeat(np.arange(len(rows)), times))


def test_duplicating_the_battles_of_questions_does_not_narrow_the_interval(
    quartet: Comparisons,
) -> None:
    options = {"cluster": "question"}
    once, tenfold = BT.fit(quartet, options), BT.fit(repeat_battles(quartet, 10), options)
    np.testing.assert_allclose(once.rating, tenfold.rating, atol=1e-9)
    ratio = (tenfold.upper - tenfold.lower) / (once.upper - once.lower)
    # Only the allowance for fitted parameters, (n-1)/(n-p), may move: 0.08 % here.
    np.testing.assert_allclose(ratio, 1, atol=1e-3)


def test_ignoring_clusters_does_narrow_it(quartet: Comparisons) -> None:
    ten = repeat_battles(quartet, 10)
    naive, honest = BT.fit(ten, {"cluster": "none"}), BT.fit(ten, {"cluster": "question"})
    assert (naive.standard_error < 0.5 * honest.standard_error).all()


def test_two_way_clusters_reduce_to_one_way_when_both_are_the_same(quartet: Comparisons) -> None:
    same = Comparisons(
        models=quartet.models,
        model_a=quartet.model_a,
        model_b=quartet.model_b,
        outcome=quartet.outcome,
        question=quartet.question,
        voter=quartet.question,
    )
    one, two = BT.fit(same, {"cluster": "question"}), BT.fit(same, {"cluster": "both"})
    np.testing.assert_allclose(one.covariance, two.covariance, rtol=1e-9, atol=1e-9)


def test_auto_uses_questions_and_voters_where_both_are_known(quartet: Comparisons) -> None:
    plan = plan_clusters(quartet)
    assert plan.kind == "both"
    assert plan.n_clusters == {"question": 150, "voter": 120}


def test_auto_leaves_out_a_clustering_with_a_handful_of_clusters(quartet: Comparisons) -> None:
    few = Comparisons(
        models=quartet.models,
        model_a=quartet.model_a,
        model_b=quartet.model_b,
        outcome=quartet.outcome,
        question=quartet.question,
        voter=quartet.voter % 3,
    )
    assert plan_clusters(few).kind == "question"
    assert plan_clusters(few, "both").kind == "both"


def test_asking_for_unknown_clusters_is_an_explained_error() -> None:
    rows = Comparisons.from_names(["alpha"], ["beta"], [0])
    with pytest.raises(ClusterError, match="no row carries a voter id"):
        plan_clusters(rows, "voter")
