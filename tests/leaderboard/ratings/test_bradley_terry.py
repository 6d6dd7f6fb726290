"""Bradley–Terry against closed forms, symmetries and bad input."""

import math

import numpy as np
import pytest
from scipy.optimize import minimize

from leaderboard.ratings import METHODS, Comparisons
from leaderboard.ratings.newton import SeparationError
from leaderboard.ratings.scale import AnchorError, points_per_nat

from .conftest import Draw

BT = METHODS.get("bradley_terry")


def versus(wins: int, losses: int, ties: int = 0, both_bad: int = 0) -> Comparisons:
    outcome = [0] * wins + [1] * losses + [2] * ties + [3] * both_bad
    return Comparisons.from_names(["alpha"] * len(outcome), ["beta"] * len(outcome), outcome)


def test_one_nat_is_173_points() -> None:
    assert points_per_nat() == pytest.approx(173.7178, abs=1e-4)


def test_75_wins_of_100_are_a_gap_of_190_85_points() -> None:
    fit = BT.fit(versus(75, 25))
    assert fit.of("alpha") - fit.of("beta") == pytest.approx(400 * math.log10(3), abs=1e-9)
    assert fit.of("alpha") - fit.of("beta") == pytest.approx(190.85, abs=0.005)


def test_the_interval_of_two_models_is_the_binomial_one() -> None:
    fit = BT.fit(versus(75, 25), {"cluster": "none"})
    error_of_gap = points_per_nat() / math.sqrt(100 * 0.75 * 0.25)
    small_sample = math.sqrt(100 / 99 * 99 / 99)
    assert fit.standard_error[0] == pytest.approx(small_sample * error_of_gap / 2, rel=1e-9)


def test_the_anchor_is_met_exactly_and_moves_everyone_alike() -> None:
    plain = BT.fit(versus(75, 25))
    anchored = BT.fit(versus(75, 25), {"anchor_model": "beta", "anchor_value": 1114})
    assert anchored.of("beta") == 1114
    assert np.ptp(anchored.rating - plain.rating) == pytest.approx(0, abs=1e-9)


def test_an_anchor_without_battles_is_explained() -> None:
    with pytest.raises(AnchorError, match="'gamma'"):
        BT.fit(versus(3, 2), {"anchor_model": "gamma"})


def test_the_mean_rating_without_an_anchor_is_the_initial_one(quartet: Comparisons) -> None:
    assert BT.fit(quartet).rating.mean() == pytest.approx(1000, abs=1e-9)


def test_newton_agrees_with_a_general_optimiser(quartet: Comparisons) -> None:
    score = np.array([1.0, 0.0, 0.5, 0.5])[quartet.outcome]

    def loss(theta: np.ndarray) -> float:
        gap = theta[quartet.model_a] - theta[quartet.model_b]
        return float(np.sum(score * np.logaddexp(0, -gap) + (1 - score) * np.logaddexp(0, gap)))

    theta = minimize(loss, np.zeros(4), method="BFGS", options={"gtol": 1e-5}).x
    expected = 1000 + points_per_nat() * (theta - theta.mean())
    # BFGS stops at a gradient of 1e-5 games over some 500 per model: far below 1e-3 points.
    np.testing.assert_allclose(BT.fit(quartet).rating, expected, atol=1e-3)


def test_the_gradient_is_zero_to_rounding(quartet: Comparisons) -> None:
    assert BT.fit(quartet).diagnostics["largest_gradient"] < 1e-10


def test_swapping_sides_and_outcomes_changes_nothing(quartet: Comparisons) -> None:
    swapped = Comparisons(
        models=quartet.models,
        model_a=quartet.model_b,
        model_b=quartet.model_a,
        outcome=np.array([1, 0, 2, 3])[quartet.outcome],
        question=quartet.question,
        voter=quartet.voter,
    )
    first, second = BT.fit(quartet), BT.fit(swapped)
    np.testing.assert_allclose(first.rating, second.rating, atol=1e-9)
    np.testing.assert_allclose(first.covariance, second.covariance, atol=1e-9)


def test_the_order_of_rows_changes_nothing(quartet: Comparisons) -> None:
    shuffled = quartet.select(np.random.default_rng(1).permutation(len(quartet)))
    first, second = BT.fit(quartet), BT.fit(shuffled)
    np.testing.assert_allclose(first.rating, second.rating, atol=1e-9)
    np.testing.assert_allclose(first.covariance, second.covariance, rtol=1e-9, atol=1e-9)


def test_a_weight_of_two_is_the_same_as_the_row_twice_in_one_cluster() -> None:
    rows = versus(30, 20)
    heavy = Comparisons(
        models=rows.models,
        model_a=rows.model_a,
        model_b=rows.model_b,
        outcome=rows.outcome,
        weight=np.full(50, 2.0),
        question=np.arange(50),
    )
    twice = heavy.select(np.repeat(np.arange(50), 2))
    twice = Comparisons(
        models=rows.models,
        model_a=twice.model_a,
        model_b=twice.model_b,
        outcome=twice.outcome,
        question=twice.question,
    )
    one, two = BT.fit(heavy), BT.fit(twice)
    np.testing.assert_allclose(one.rating, two.rating, atol=1e-9)
    rescaled = two.covariance * (49 / 49) / (99 / 99)
    np.testing.assert_allclose(one.covariance, rescaled, rtol=1e-9)


def test_only_ties_make_equal_ratings() -> None:
    fit = BT.fit(versus(0, 0, ties=40))
    assert fit.of("alpha") == fit.of("beta") == 1000


def test_a_million_ties_converge_at_once() -> None:
    n = 1_000_000
    rows = Comparisons(
        models=("alpha", "beta"),
        model_a=np.zeros(n, dtype=np.int32),
        model_b=np.ones(n, dtype=np.int32),
        outcome=np.full(n, 2),
    )
    fit = BT.fit(rows)
    assert fit.rating.tolist() == [1000, 1000]
    assert fit.diagnostics["newton_steps"] == 0


def test_both_bad_is_left_out_and_counted_unless_asked_to_be_a_tie() -> None:
    rows = versus(30, 10, both_bad=60)
    left_out, as_tie = BT.fit(rows), BT.fit(rows, {"both_bad": "tie"})
    assert left_out.diagnostics["excluded"] == {"both_bad": 60}
    assert left_out.of("alpha") == pytest.approx(BT.fit(versus(30, 10)).of("alpha"), abs=1e-9)
    assert as_tie.of("alpha") == pytest.approx(BT.fit(versus(30, 10, ties=60)).of("alpha"))


def test_an_undefeated_model_gets_the_named_prior_and_a_wide_interval() -> None:
    fit = BT.fit(versus(5, 0))
    assert fit.diagnostics["prior"]["name"] == "phantom_draw"
    assert fit.diagnostics["unbounded"] == ["alpha", "beta"]
    assert 0 < fit.of("alpha") - fit.of("beta") < 800
    assert fit.upper[0] - fit.lower[0] > 400
    assert (fit.rank_lower.tolist(), fit.rank_upper.tolist()) == ([1, 1], [2, 2])


def test_the_phantom_draw_has_its_closed_form() -> None:
    # Score equation of alpha = -beta = x: 5·σ(-2x) + ½ - σ(x) = 0.
    x = (BT.fit(versus(5, 0)).of("alpha") - 1000) / points_per_nat()
    assert 5 / (1 + math.exp(2 * x)) + 0.5 - 1 / (1 + math.exp(-x)) == pytest.approx(0, abs=1e-12)


def test_no_prior_and_an_unbounded_rating_is_an_explained_error() -> None:
    with pytest.raises(SeparationError, match="always won or always lost"):
        BT.fit(versus(5, 0), {"prior": "none"})


def test_one_battle_in_all_has_a_finite_rating_and_no_claimed_order() -> None:
    fit = BT.fit(versus(1, 0))
    assert np.isfinite(fit.rating).all()
    assert np.isinf(fit.upper - fit.lower).all()
    assert fit.rank_upper.tolist() == [2, 2]


def test_a_model_without_a_battle_is_unrated() -> None:
    rows = Comparisons.from_names(
        ["alpha", "alpha"], ["beta", "beta"], [0, 1], models=("alpha", "beta", "gamma")
    )
    fit = BT.fit(rows)
    assert np.isnan(fit.rating[2])
    assert (fit.rank_lower[2], fit.rank_upper[2], fit.component[2]) == (0, 0, -1)
    assert fit.to_rows()[-1]["rating"] is None


def test_no_battle_at_all_leaves_everyone_unrated() -> None:
    fit = BT.fit(Comparisons.from_names([], [], [], models=("alpha", "beta")))
    assert np.isnan(fit.rating).all()
    assert fit.rank_lower.tolist() == [0, 0]


def test_islands_are_rated_apart_and_never_ordered_against_each_other() -> None:
    sides = (["a"] * 40 + ["c"] * 20, ["b"] * 40 + ["d"] * 20)
    rows = Comparisons.from_names(*sides, [0] * 30 + [1] * 10 + [0] * 12 + [1] * 8)
    fit = BT.fit(rows)
    assert fit.diagnostics["components"] == [["a", "b"], ["c", "d"]]
    for island in ([0, 1], [2, 3]):
        assert fit.rating[island].mean() == pytest.approx(1000, abs=1e-9)
        assert fit.rank_lower[island].min() == 1
        assert fit.rank_upper[island].max() == 2


def test_extreme_but_bounded_data_converge(draw_battles: Draw) -> None:
    rows = versus(1_000_000 - 1, 1)
    gap = np.diff(BT.fit(rows, {"cluster": "none"}).rating)[0]
    assert -gap == pytest.approx(400 * math.log10(999_999), rel=1e-9)


def test_bootstrap_and_sandwich_agree_on_clustered_data(quartet: Comparisons) -> None:
    sandwich = BT.fit(quartet, {"cluster": "question"})
    bootstrap = BT.fit(
        quartet, {"cluster": "question", "interval": "bootstrap", "rounds": 2000}, seed=3
    )
    width = (bootstrap.upper - bootstrap.lower) / (sandwich.upper - sandwich.lower)
    # 2,000 rounds pin a 95 % width to about 3 %.
    np.testing.assert_allclose(width, 1, atol=0.1)


def test_the_same_seed_gives_the_same_bootstrap(quartet: Comparisons) -> None:
    options = {"interval": "bootstrap", "rounds": 20}
    first, second = BT.fit(quartet, options, seed=8), BT.fit(quartet, options, seed=8)
    assert first.lower.tolist() == second.lower.tolist()
    assert first.lower.tolist() != BT.fit(quartet, options, seed=9).lower.tolist()
