"""Ranks with uncertainty."""

import numpy as np
import pytest

from leaderboard.ratings import METHODS, Comparisons
from leaderboard.ratings.ranks import (
    probability_above,
    probability_best,
    rank_bounds,
    simultaneous_rank_bounds,
)

BT = METHODS.get("bradley_terry")


def test_disjoint_intervals_rank_one_to_n() -> None:
    lower, upper = np.array([40.0, 30, 20, 10]), np.array([45.0, 35, 25, 15])
    best, worst = rank_bounds(lower, upper)
    assert best.tolist() == worst.tolist() == [1, 2, 3, 4]


def test_identical_intervals_all_rank_first() -> None:
    best, worst = rank_bounds(np.zeros(5), np.ones(5))
    assert best.tolist() == [1] * 5
    assert worst.tolist() == [5] * 5


def test_touching_intervals_do_not_count_as_above() -> None:
    best, _ = rank_bounds(np.array([1.0, 0.0]), np.array([2.0, 1.0]))
    assert best.tolist() == [1, 1]


def test_a_best_rank_counts_only_models_wholly_above() -> None:
    lower, upper = np.array([10.0, 6, 0]), np.array([14.0, 11, 8])
    best, worst = rank_bounds(lower, upper)
    assert best.tolist() == [1, 1, 2]
    assert worst.tolist() == [2, 3, 3]


def test_simultaneous_ranks_contain_the_marginal_best_model(quartet: Comparisons) -> None:
    fit = BT.fit(quartet)
    best, worst = simultaneous_rank_bounds(fit, seed=1)
    top = int(fit.rating.argmax())
    assert best[top] == 1
    assert (best <= worst).all()


def test_simultaneous_critical_value_is_tukeys_for_equal_independent_models() -> None:
    # Four models with one variance: the largest studentised difference follows Tukey's
    # studentised range over √2, 95 % point 3.633 / 1.414 = 2.569.
    fit = BT.fit(
        Comparisons.from_names(
            ["a", "a", "a", "b", "b", "c"] * 2,
            ["b", "c", "d", "c", "d", "d"] * 2,
            [0] * 6 + [1] * 6,
        ),
        {"cluster": "none"},
    )
    error = np.sqrt(2 * (fit.covariance[0, 0] - fit.covariance[0, 1]))
    for multiple, is_separate in ((2.45, False), (2.70, True)):
        moved = np.array([0.0, 0.0, 0.0, -multiple * error])
        object.__setattr__(fit, "rating", 1000 + moved)
        _, worst = simultaneous_rank_bounds(fit, draws=40_000, seed=2)
        assert bool(worst[0] == 3) == is_separate


def test_probabilities_of_being_best_sum_to_one(quartet: Comparisons) -> None:
    chance = probability_best(BT.fit(quartet), seed=4)
    assert chance.sum() == pytest.approx(1)
    assert chance.argmax() == 0


def test_chances_of_being_above_mirror_each_other(quartet: Comparisons) -> None:
    chance = probability_above(BT.fit(quartet))
    np.testing.assert_allclose(chance + chance.T, 1)
    assert chance[0, 3] > 0.999


def test_islands_have_no_chance_of_being_above_each_other() -> None:
    rows = Comparisons.from_names(["a", "a", "c", "c"], ["b", "b", "d", "d"], [0, 1, 0, 1])
    fit = BT.fit(rows)
    chance = probability_above(fit)
    assert np.isnan(chance[0, 2])
    best = probability_best(fit)
    assert best[:2].sum() == pytest.approx(1)
    assert best[2:].sum() == pytest.approx(1)


def test_a_model_below_the_vote_threshold_is_provisional(quartet: Comparisons) -> None:
    fit = BT.fit(quartet, {"provisional_below": int(1e6)})
    assert fit.provisional.all()
    assert not BT.fit(quartet).provisional.any()
