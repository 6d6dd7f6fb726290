"""Misfit, cycles and the votes that carry the top."""

import json

import numpy as np

from leaderboard.ratings import METHODS, Comparisons
from leaderboard.ratings.diagnostics import influential_votes, pair_residuals, surviving_cycles

from .conftest import Draw

BT = METHODS.get("bradley_terry")


def cycle(wins: int, losses: int) -> Comparisons:
    n = wins + losses
    return Comparisons.from_names(
        ["rock"] * n + ["scissors"] * n + ["paper"] * n,
        ["scissors"] * n + ["paper"] * n + ["rock"] * n,
        ([0] * wins + [1] * losses) * 3,
    )


def test_a_strong_cycle_is_found_once() -> None:
    found = surviving_cycles(cycle(70, 30))
    assert len(found) == 1
    assert set(found[0]["models"]) == {"rock", "paper", "scissors"}
    np.testing.assert_allclose(found[0]["shares"], 0.7)


def test_a_cycle_within_noise_is_not_reported() -> None:
    assert surviving_cycles(cycle(6, 4)) == []


def test_repeating_one_question_does_not_make_a_cycle() -> None:
    rows = cycle(70, 30)
    repeated = rows.replace(question=np.arange(len(rows)) // 50)
    assert surviving_cycles(repeated) == []


def test_ordered_models_show_no_cycle(draw_battles: Draw) -> None:
    assert surviving_cycles(draw_battles(np.array([1.0, 0.0, -1.0]), 3000)) == []


def test_residuals_point_at_the_pair_that_misfits(draw_battles: Draw) -> None:
    rows = draw_battles(np.array([0.5, 0.2, 0.0, -0.7]), 4000, seed=2)
    odd = (np.minimum(rows.model_a, rows.model_b) == 1) & (
        np.maximum(rows.model_a, rows.model_b) == 3
    )
    upset = rows.replace(outcome=np.where(odd, np.where(rows.model_a == 3, 0, 1), rows.outcome))
    report = pair_residuals(upset, BT.fit(upset))
    assert {report["pairs"][0]["model_a"], report["pairs"][0]["model_b"]} == {"model-1", "model-3"}
    assert report["p_value"] < 1e-6


def test_residuals_of_a_true_model_look_like_noise(draw_battles: Draw) -> None:
    rows = draw_battles(np.array([0.5, 0.2, 0.0, -0.7]), 4000, seed=3)
    report = pair_residuals(rows, BT.fit(rows))
    assert report["degrees_of_freedom"] == 3
    assert report["p_value"] > 0.01
    assert json.dumps(report, allow_nan=False)


def test_two_votes_carry_a_lead_of_two_votes() -> None:
    rows = Comparisons.from_names(["alpha"] * 101, ["beta"] * 101, [0] * 52 + [1] * 49)
    report = influential_votes(rows)
    assert (report["leader"], report["overtaken_by"]) == ("alpha", "beta")
    # 52 to 49: without four of alpha's wins it is 48 to 49.
    assert report["removals"] == 4
    assert all(row < 52 for row in report["rows"])


def test_the_reported_votes_do_change_the_first_place(quartet: Comparisons) -> None:
    report = influential_votes(quartet)
    kept = np.ones(len(quartet), dtype=bool)
    kept[report["rows"]] = False
    after = BT.fit(quartet.select(kept))
    assert after.models[int(after.order[0])] == report["overtaken_by"]
    almost = np.ones(len(quartet), dtype=bool)
    almost[report["rows"][:-1]] = False
    before = BT.fit(quartet.select(almost))
    assert before.of(report["leader"]) >= before.of(report["overtaken_by"])


def test_a_single_battle_has_no_votes_to_spare() -> None:
    report = influential_votes(Comparisons.from_names(["alpha"], ["beta"], [0]))
    assert report["removals"] is None
