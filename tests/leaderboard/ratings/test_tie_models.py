"""Davidson and Rao–Kupper against Bradley–Terry, closed forms and finite differences."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from leaderboard.ratings import METHODS, Comparisons
from leaderboard.ratings.outcome_kernels import davidson_kernel, rao_kupper_kernel
from leaderboard.ratings.outcomes import Extras, KernelOf

BT = METHODS.get("bradley_terry")
TIE_MODELS = ("davidson", "rao_kupper")
KERNELS = (davidson_kernel, rao_kupper_kernel)
EXTRAS = [Extras(ties, bad) for ties in (True, False) for bad in (True, False)]


def versus(wins: int, losses: int, ties: int = 0, both_bad: int = 0) -> Comparisons:
    outcome = [0] * wins + [1] * losses + [2] * ties + [3] * both_bad
    return Comparisons.from_names(["alpha"] * len(outcome), ["beta"] * len(outcome), outcome)


@pytest.mark.parametrize("name", TIE_MODELS)
def test_without_ties_a_tie_model_is_bradley_terry(name: str, quartet: Comparisons) -> None:
    decisive = quartet.select(quartet.outcome < 2)
    fit, plain = METHODS.get(name).fit(decisive), BT.fit(decisive)
    np.testing.assert_allclose(fit.rating, plain.rating, atol=1e-6)
    np.testing.assert_allclose(fit.covariance, plain.covariance, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", TIE_MODELS)
def test_only_ties_make_equal_ratings(name: str) -> None:
    assert METHODS.get(name).fit(versus(0, 0, ties=30)).rating.tolist() == [1000, 1000]


def test_davidson_of_two_models_has_its_closed_form() -> None:
    fit = METHODS.get("davidson").fit(versus(50, 20, ties=30))
    assert fit.of("alpha") - fit.of("beta") == pytest.approx(400 * math.log10(50 / 20), abs=1e-6)
    nu = math.exp(fit.diagnostics["log_tie_factor"]["estimate"])
    assert nu == pytest.approx(30 / math.sqrt(50 * 20), rel=1e-9)


def test_davidson_reproduces_the_share_of_both_bad() -> None:
    fit = METHODS.get("davidson").fit(versus(50, 20, ties=20, both_bad=10))
    assert fit.of("alpha") - fit.of("beta") == pytest.approx(400 * math.log10(50 / 20), abs=1e-6)
    kappa = math.exp(fit.diagnostics["log_both_bad_weight"]["estimate"])
    assert kappa == pytest.approx(10 / math.sqrt(50 * 20), rel=1e-9)


def test_rao_kupper_of_two_models_reproduces_the_observed_shares() -> None:
    fit = METHODS.get("rao_kupper").fit(versus(50, 20, ties=30))
    gap = (fit.of("alpha") - fit.of("beta")) * math.log(10) / 400
    eta = 1 + math.exp(fit.diagnostics["log_tie_factor"]["estimate"])
    assert 1 / (1 + eta * math.exp(-gap)) == pytest.approx(0.5, abs=1e-9)
    assert 1 / (1 + eta * math.exp(gap)) == pytest.approx(0.2, abs=1e-9)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("extras", EXTRAS)
def test_outcome_probabilities_sum_to_one(kernel: KernelOf, extras: Extras) -> None:
    local = np.random.default_rng(0).normal(size=(20, 4))
    np.testing.assert_allclose(np.exp(kernel(local, extras).value).sum(axis=1), 1, atol=1e-12)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("extras", EXTRAS)
def test_derivatives_match_finite_differences(kernel: KernelOf, extras: Extras) -> None:
    local = np.random.default_rng(1).normal(size=(6, 4))
    exact = kernel(local, extras)
    is_open = [0, 1] + [2] * extras.has_ties + [3] * extras.has_both_bad
    step = 1e-5
    for j in is_open:
        shift = step * np.eye(4)[j]
        ahead, behind = kernel(local + shift, extras), kernel(local - shift, extras)
        slope = (ahead.value[:, is_open] - behind.value[:, is_open]) / (2 * step)
        bend = (ahead.slope - behind.slope)[:, is_open] / (2 * step)
        np.testing.assert_allclose(exact.slope[:, is_open, j], slope, atol=1e-8)
        np.testing.assert_allclose(
            exact.bend[:, is_open][:, :, is_open, j], bend[:, :, is_open], atol=1e-8
        )


def draw_outcomes(
    strength: NDArray[np.float64],
    kernel,
    n: int,
    seed: int,
) -> Comparisons:
    rng = np.random.default_rng(seed)
    m = strength.size
    a = rng.integers(0, m, n)
    b = (a + rng.integers(1, m, n)) % m
    local = np.column_stack([strength[a], strength[b], np.full(n, -0.5), np.full(n, -1.2)])
    chance = np.exp(kernel(local, Extras(True, True)).value)
    outcome = (rng.random(n)[:, None] > chance.cumsum(axis=1)[:, :3]).sum(axis=1)
    return Comparisons(
        models=tuple(f"model-{i}" for i in range(m)), model_a=a, model_b=b, outcome=outcome
    )


@pytest.mark.parametrize(("name", "kernel"), [*zip(TIE_MODELS, KERNELS, strict=True)])
def test_the_truth_is_recovered_within_its_own_intervals(name: str, kernel: KernelOf) -> None:
    strength = np.array([1.2, 0.4, 0.0, -0.5, -1.1])
    rows = draw_outcomes(strength, kernel, 30_000, seed=2)
    fit = METHODS.get(name).fit(rows)
    truth = 1000 + 400 / math.log(10) * (strength - strength.mean())
    # Five 95 % intervals: the largest standardised miss exceeds 3.5 once in 2,000 tries.
    assert (np.abs(fit.rating - truth) < 3.5 * fit.standard_error).all()
    tie = fit.diagnostics["log_tie_factor"]
    assert tie["lower"] < -0.5 < tie["upper"]
    bad = fit.diagnostics["log_both_bad_weight"]
    assert bad["lower"] - 0.05 < -1.2 - strength.mean() < bad["upper"] + 0.05


def test_both_bad_is_evidence_against_both_models_only_as_its_own_outcome() -> None:
    names = (["good"] * 60 + ["weak"] * 60, ["rival"] * 60 + ["other"] * 60)
    rows = Comparisons.from_names(
        [*names[0], *["good", "rival"] * 10],
        [*names[1], *["weak", "other"] * 10],
        [0] * 28 + [1] * 28 + [3] * 4 + [0] * 10 + [1] * 10 + [3] * 40 + [0] * 10 + [1] * 10,
    )
    own = METHODS.get("davidson").fit(rows)
    left_out = METHODS.get("davidson").fit(rows, {"both_bad": "exclude"})
    assert own.of("weak") < left_out.of("weak") - 50
    assert left_out.diagnostics["excluded"] == {"both_bad": 44}


@pytest.mark.parametrize("name", TIE_MODELS)
def test_undefeated_models_stay_finite(name: str) -> None:
    fit = METHODS.get(name).fit(versus(6, 0, ties=0))
    assert np.isfinite(fit.rating).all()
    assert fit.diagnostics["prior_games"] == 1
