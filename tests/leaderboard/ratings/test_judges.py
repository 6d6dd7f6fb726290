"""Ratings that people and judges make together."""

import numpy as np
import pytest
from numpy.typing import NDArray

from leaderboard.ratings import METHODS, Comparisons
from leaderboard.ratings.scale import points_per_nat

CALIBRATED = METHODS.get("judge_calibrated")
AWARE = METHODS.get("judge_aware_bradley_terry")
BT = METHODS.get("bradley_terry")
STRENGTH = np.array([0.6, 0.1, -0.2, -0.5])


def people_and_judge(
    seed: int, *, human: int = 400, judged: int = 8000, noise: float = 0.15, bias: float = 1.0
) -> Comparisons:
    """Questions with one true preference each; the judge copies it but for noise and a liking
    for the last model, people answer ``human`` of the ``judged`` questions."""
    rng = np.random.default_rng(seed)
    m = STRENGTH.size
    a = rng.integers(0, m, judged)
    b = (a + rng.integers(1, m, judged)) % m
    gap = STRENGTH[a] - STRENGTH[b]
    truth = rng.random(judged) < 1 / (1 + np.exp(-gap))
    flipped = rng.random(judged) < noise
    verdict = truth ^ flipped
    likes = rng.random(judged) < 0.3 * bias
    verdict = np.where(likes & (a == m - 1), True, np.where(likes & (b == m - 1), False, verdict))
    voted = rng.permutation(judged)[:human]
    return Comparisons(
        models=tuple(f"model-{i}" for i in range(m)),
        model_a=np.concatenate([a, a[voted]]),
        model_b=np.concatenate([b, b[voted]]),
        outcome=np.concatenate([np.where(verdict, 0, 1), np.where(truth[voted], 0, 1)]),
        question=np.concatenate([np.arange(judged), voted]),
        judge=np.concatenate([np.zeros(judged, int), np.full(human, -1)]),
    )


def human_rows(rows: Comparisons) -> Comparisons:
    return rows.select(rows.judge == -1)


def test_without_judges_calibrated_ratings_are_bradley_terry(quartet: Comparisons) -> None:
    calibrated, plain = CALIBRATED.fit(quartet), BT.fit(quartet)
    np.testing.assert_allclose(calibrated.rating, plain.rating, atol=1e-8)
    np.testing.assert_allclose(calibrated.covariance, plain.covariance, rtol=1e-9, atol=1e-9)
    assert calibrated.diagnostics["calibration"]["power"] == 0


def test_a_good_judge_narrows_the_intervals() -> None:
    calibration = CALIBRATED.fit(people_and_judge(1)).diagnostics["calibration"]
    assert calibration["power"] > 0.4
    assert calibration["variance_ratio"] < 0.75


def test_a_coin_flipping_judge_is_ignored_and_costs_nothing() -> None:
    rows = people_and_judge(2, noise=0.5, bias=0)
    calibration = CALIBRATED.fit(rows).diagnostics["calibration"]
    assert calibration["power"] < 0.15
    assert calibration["variance_ratio"] == pytest.approx(1, abs=0.03)


def test_power_zero_is_the_human_only_fit() -> None:
    rows = people_and_judge(3)
    ignored, human = CALIBRATED.fit(rows, {"power": 0}), BT.fit(human_rows(rows))
    np.testing.assert_allclose(ignored.rating, human.rating, atol=1e-8)


def test_a_biased_judge_does_not_shift_the_calibrated_ratings() -> None:
    truth = 1000 + points_per_nat() * (STRENGTH - STRENGTH.mean())
    errors = np.array([CALIBRATED.fit(people_and_judge(s)).rating - truth for s in range(40)])
    judge_only = np.array(
        [BT.fit(rows.select(rows.judge == 0)).rating - truth for rows in [people_and_judge(0)]]
    )
    standard_error = errors.std(axis=0, ddof=1) / np.sqrt(40)
    # Forty runs: a mean four standard errors off happens once in 4,000 for four models.
    assert (np.abs(errors.mean(axis=0)) < 4 * standard_error + 1).all()
    assert np.abs(judge_only).max() > 50


def test_judges_may_cover_pairs_in_other_proportions_than_people() -> None:
    rows = people_and_judge(5, human=2000)
    is_top_pair = (np.minimum(rows.model_a, rows.model_b) == 0) & (
        np.maximum(rows.model_a, rows.model_b) == 1
    )
    thinned = rows.select((rows.judge == -1) | ~is_top_pair | (np.arange(len(rows)) % 3 == 0))
    full, thin = CALIBRATED.fit(rows), CALIBRATED.fit(thinned)
    gap = np.abs(full.rating - thin.rating)
    assert (gap < 2 * full.standard_error).all()


def judged_battles(
    discrimination: list[float], position: list[float], length: list[float], n: int = 12_000
) -> tuple[Comparisons, NDArray[np.float64]]:
    rng = np.random.default_rng(11)
    m = STRENGTH.size
    a = rng.integers(0, m, n)
    b = (a + rng.integers(1, m, n)) % m
    judge = rng.integers(0, len(discrimination), n)
    first = rng.random(n) < 0.5
    amounts = rng.integers(50, 800, (n, 2)).astype(float)
    gap = (amounts[:, 0] - amounts[:, 1]) / (amounts.sum(axis=1) + 1)
    z = (gap - gap.mean()) / gap.std()
    logit = np.array(discrimination)[judge] * (STRENGTH[a] - STRENGTH[b])
    logit += np.array(position)[judge] * np.where(first, 1, -1) + np.array(length)[judge] * z
    wins = rng.random(n) < 1 / (1 + np.exp(-logit))
    rows = Comparisons(
        models=tuple(f"model-{i}" for i in range(m)),
        model_a=a,
        model_b=b,
        outcome=np.where(wins, 0, 1),
        judge=judge - 1,
        first_shown_a=first,
        features=amounts,
        feature_names=("length_a", "length_b"),
        question=np.arange(n),
    )
    return rows, STRENGTH - STRENGTH.mean()


def test_each_judges_sharpness_and_biases_are_recovered() -> None:
    rows, strength = judged_battles([1.0, 2.0, 0.0], [0.0, 0.8, -0.3], [0.1, 0.9, 0.0])
    fit = AWARE.fit(rows)
    judges = fit.diagnostics["judges"]
    assert fit.diagnostics["reference_judge"] == -1
    assert judges["-1"]["discrimination"]["estimate"] == 1
    for label, truth in (("0", (2.0, 0.8, 0.9)), ("1", (0.0, -0.3, 0.0))):
        for name, value in zip(("discrimination", "position", "length"), truth, strict=True):
            entry = judges[label][name]
            half = (entry["upper"] - entry["lower"]) / 2
            # Six 95 % intervals, widened to four standard errors so that none fails by chance.
            assert abs(entry["estimate"] - value) < 2 * half
    truth_points = 1000 + points_per_nat() * strength
    assert (np.abs(fit.rating - truth_points) < 4 * fit.standard_error).all()


def test_a_position_loving_judge_misleads_plain_ratings_but_not_these() -> None:
    rows, strength = judged_battles([1.0], [1.5], [0.0])
    always_first = rows.replace(first_shown_a=rows.first_shown_a)
    lopsided = always_first.select(always_first.first_shown_a | (always_first.model_a > 1))
    truth = 1000 + points_per_nat() * strength
    aware, plain = AWARE.fit(lopsided), BT.fit(lopsided)
    assert np.abs(aware.rating - truth).max() < np.abs(plain.rating - truth).max() / 2


def test_one_unbiased_judge_leaves_bradley_terry() -> None:
    rows, _ = judged_battles([1.0], [0.0], [0.0], n=4000)
    aware, plain = AWARE.fit(rows), BT.fit(rows)
    np.testing.assert_allclose(aware.rating, plain.rating, atol=3)
