"""Online and bootstrap Elo."""

import numpy as np
import pytest

from leaderboard.ratings import METHODS, Comparisons

ELO = METHODS.get("elo")
BOOTSTRAP = METHODS.get("elo_bootstrap")


def test_the_first_update_is_two_points_at_k_4_and_sixteen_at_k_32() -> None:
    rows = Comparisons.from_names(["alpha"], ["beta"], [0])
    assert ELO.fit(rows).rating.tolist() == [1002, 998]
    assert ELO.fit(rows, {"convention": "llmuses"}).rating.tolist() == [1016, 984]


def test_elo_is_fastchats_arithmetic_to_the_last_bit(quartet: Comparisons) -> None:
    rating = dict.fromkeys(quartet.models, 1000.0)
    for a, b, outcome in zip(quartet.model_a, quartet.model_b, quartet.outcome, strict=True):
        name_a, name_b = quartet.models[a], quartet.models[b]
        expected_a = 1 / (1 + 10 ** ((rating[name_b] - rating[name_a]) / 400))
        expected_b = 1 / (1 + 10 ** ((rating[name_a] - rating[name_b]) / 400))
        score = {0: 1, 1: 0, 2: 0.5}[int(outcome)]
        rating[name_a] += 4 * (score - expected_a)
        rating[name_b] += 4 * (1 - score - expected_b)
    assert ELO.fit(quartet).rating.tolist() == list(rating.values())


def test_a_tie_between_equals_moves_nobody() -> None:
    rows = Comparisons.from_names(["alpha"], ["beta"], ["tie"])
    assert ELO.fit(rows).rating.tolist() == [1000, 1000]


def test_both_bad_moves_nobody_unless_it_is_read_as_a_tie() -> None:
    rows = Comparisons.from_names(["alpha"] * 2, ["beta"] * 2, ["model_a", "both_bad"])
    assert ELO.fit(rows).rating.tolist() == [1002, 998]
    assert ELO.fit(rows).diagnostics["excluded"] == {"both_bad": 1}
    assert ELO.fit(rows, {"both_bad": "tie"}).of("alpha") < 1002


def test_online_elo_claims_no_interval_and_no_order(quartet: Comparisons) -> None:
    fit = ELO.fit(quartet)
    assert np.isnan(fit.lower).all()
    assert fit.rank_lower.tolist() == [1] * 4
    assert fit.rank_upper.tolist() == [4] * 4


def test_online_elo_depends_on_the_order(quartet: Comparisons) -> None:
    backwards = quartet.select(np.arange(len(quartet))[::-1])
    assert ELO.fit(quartet).of("model-0") != ELO.fit(backwards).of("model-0")


def test_bootstrap_elo_brackets_its_median(quartet: Comparisons) -> None:
    fit = BOOTSTRAP.fit(quartet, {"rounds": 50}, seed=1)
    assert (fit.lower < fit.rating).all()
    assert (fit.rating < fit.upper).all()
    assert fit.rating.argmax() == 0


def test_each_bootstrap_history_is_an_online_elo_run(quartet: Comparisons) -> None:
    from leaderboard.ratings.clusters import group_rows
    from leaderboard.ratings.methods.elo_bootstrap import (
        EloBootstrapOptions,
        _redraw,
        bootstrap_elo,
    )

    group = group_rows(quartet.question)
    draws = bootstrap_elo(quartet, group, EloBootstrapOptions(rounds=10), seed=7)
    rng = np.random.default_rng(7)
    for drawn in draws:
        expected = ELO.fit(quartet.select(_redraw(group, rng))).rating
        # The two powers of the online form differ from one in the last bits.
        np.testing.assert_allclose(drawn, expected, atol=1e-9)


def test_redrawing_clusters_is_wider_than_redrawing_battles_of_repeated_questions() -> None:
    rng = np.random.default_rng(0)
    outcome = np.repeat(rng.integers(0, 2, 40), 10)
    rows = Comparisons.from_names(
        ["alpha"] * 400, ["beta"] * 400, outcome, question=np.repeat(np.arange(40), 10)
    )
    spread = {
        redraw: np.ptp([fit.lower[0], fit.upper[0]])
        for redraw in ("battle", "question")
        for fit in [BOOTSTRAP.fit(rows, {"redraw": redraw, "rounds": 200}, seed=1)]
    }
    assert spread["question"] > 1.4 * spread["battle"]


def test_an_unknown_option_is_refused() -> None:
    rows = Comparisons.from_names(["alpha"], ["beta"], [0])
    with pytest.raises(ValueError, match="colour"):
        ELO.fit(rows, {"colour": "red"})
