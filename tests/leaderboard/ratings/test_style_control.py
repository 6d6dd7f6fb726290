"""Style control: conventions, truth recovered, and data that cannot bear it."""

import numpy as np
import pytest
from scipy.optimize import minimize

from leaderboard.ratings import METHODS, Comparisons, ComparisonsError
from leaderboard.ratings.newton import SeparationError
from leaderboard.ratings.scale import points_per_nat
from leaderboard.ratings.style import CONVENTIONS, count_style, style_covariates

STYLE = METHODS.get("style_control")
BT = METHODS.get("bradley_terry")


def wordy_battles(n: int = 6000, seed: int = 1, *, sharpness: float = 3.0) -> Comparisons:
    """Equally good models; wordy usually, not always, writes more; only length decides."""
    rng = np.random.default_rng(seed)
    swap = rng.random(n) < 0.5
    wordy, terse = rng.integers(150, 900, n), rng.integers(100, 600, n)
    gap = (wordy - terse) / (wordy + terse + 1)
    wins = rng.random(n) < 1 / (1 + np.exp(-sharpness * gap))
    lengths = np.where(swap[:, None], np.stack([terse, wordy], 1), np.stack([wordy, terse], 1))
    return Comparisons.from_names(
        np.where(swap, "terse", "wordy").tolist(),
        np.where(swap, "wordy", "terse").tolist(),
        np.where(wins != swap, 0, 1),
        features=lengths,
        feature_names=("length_a", "length_b"),
        first_shown_a=rng.random(n) < 0.5,
    )


@pytest.mark.parametrize("convention", ["fastchat", "arena_hard_v2"])
def test_a_lead_that_is_only_length_vanishes(convention: str) -> None:
    rows = wordy_battles()
    raw = BT.fit(rows)
    fit = STYLE.fit(rows, {"convention": convention})
    assert raw.of("wordy") - raw.of("terse") > 80
    gap, error = fit.of("wordy") - fit.of("terse"), 2 * fit.standard_error[0]
    assert abs(gap) < 3.5 * error


def test_without_features_style_control_is_bradley_terry(quartet: Comparisons) -> None:
    fit = STYLE.fit(quartet, {"convention": "arena_hard_v2"})
    plain = BT.fit(quartet)
    np.testing.assert_allclose(fit.rating, plain.rating, atol=1e-6)
    np.testing.assert_allclose(fit.covariance, plain.covariance, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("convention", "strength_penalty", "feature_penalty"),
    [("fastchat", 0.5 / np.log(10) ** 2, 0.5), ("arena_hard_v2", 0.0, 0.0)],
)
def test_the_fit_minimises_the_published_loss(
    convention: str, strength_penalty: float, feature_penalty: float
) -> None:
    rows = wordy_battles(800)
    x = style_covariates(rows, ("length",), CONVENTIONS[convention], with_position=False).matrix
    y = np.array([1.0, 0.0, 0.5, 0.5])[rows.outcome]
    sign = np.where(rows.model_a == 1, 1.0, -1.0)

    def loss(parameters: np.ndarray) -> float:
        theta, beta = parameters
        logit = 2 * theta * sign + x[:, 0] * beta
        fit = np.sum(np.logaddexp(0, logit) - y * logit)
        return float(fit + strength_penalty * theta**2 + 0.5 * feature_penalty * beta**2)

    theta, beta = minimize(loss, np.zeros(2), method="BFGS").x
    result = STYLE.fit(rows, {"convention": convention})
    # BFGS stops at a gradient of 1e-5 over a curvature of some hundred.
    assert result.of("wordy") == pytest.approx(1000 + points_per_nat() * theta, abs=1e-2)
    assert result.diagnostics["style"]["length"]["coefficient"] == pytest.approx(beta, abs=1e-4)


def test_conventions_differ_as_published() -> None:
    rows = Comparisons.from_names(
        ["alpha"] * 2,
        ["beta"] * 2,
        [0, 1],
        features=[[10, 30, 2, 0], [0, 0, 5, 1]],
        feature_names=("length_a", "length_b", "bold_a", "bold_b"),
    )
    plus_one = CONVENTIONS["fastchat"].difference(rows, "length")
    plain = CONVENTIONS["arena_rank"].difference(rows, "length")
    dense = CONVENTIONS["arena_hard_v2"].difference(rows, "bold")
    np.testing.assert_allclose(plus_one, [-20 / 41, 0])
    np.testing.assert_allclose(plain, [-0.5, 0])
    np.testing.assert_allclose(dense, [(2 / 11) / (2 / 11 + 1), (5 - 1) / (5 + 1 + 1)])


def test_arena_rank_shrinks_coefficients_hard() -> None:
    rows = wordy_battles()
    hard = STYLE.fit(rows, {"convention": "arena_rank"}).diagnostics["style"]["length"]
    free = STYLE.fit(rows, {"convention": "arena_hard_v2"}).diagnostics["style"]["length"]
    assert 0 < hard["coefficient"] < 0.4 * free["coefficient"]


def test_the_advantage_of_being_first_is_estimated() -> None:
    rng = np.random.default_rng(2)
    n = 8000
    first = rng.random(n) < 0.5
    wins = rng.random(n) < 1 / (1 + np.exp(-np.where(first, 0.4, -0.4)))
    rows = Comparisons.from_names(
        ["alpha"] * n, ["beta"] * n, np.where(wins, 0, 1), first_shown_a=first
    )
    position = STYLE.fit(rows, {"position": True}).diagnostics["style"]["position"]
    assert position["lower"] < 0.4 < position["upper"]


def test_the_convention_is_pinned_in_the_result() -> None:
    fit = STYLE.fit(wordy_battles(300), {"convention": "arena_rank"})
    assert fit.options["convention"] == fit.diagnostics["convention"] == "arena_rank"


def test_a_feature_nobody_measured_is_an_explained_error(quartet: Comparisons) -> None:
    with pytest.raises(ComparisonsError, match="'emoji'"):
        STYLE.fit(quartet, {"features": ("emoji",)})


def test_a_feature_that_never_varies_is_named_and_left_out() -> None:
    rows = wordy_battles(300)
    flat = rows.replace(features=np.full((300, 2), 7.0))
    assert STYLE.fit(flat).diagnostics["constant_features"] == ["length"]


def test_a_covariate_that_decides_everything_is_an_explained_error() -> None:
    rows = wordy_battles(400)
    x = style_covariates(
        rows, ("length",), CONVENTIONS["arena_hard_v2"], with_position=False
    ).matrix
    decided = rows.replace(outcome=np.where(x[:, 0] > 0, 0, 1))
    with pytest.raises(SeparationError, match="decides every battle"):
        STYLE.fit(decided, {"convention": "arena_hard_v2"})
    assert np.isfinite(STYLE.fit(decided).rating).all()


def test_style_control_is_clustered_too() -> None:
    rows = wordy_battles(800).replace(question=np.arange(800))
    twice = rows.select(np.repeat(np.arange(800), 4))
    options = {"convention": "arena_hard_v2"}
    once, fourfold = STYLE.fit(rows, options), STYLE.fit(twice, options)
    np.testing.assert_allclose(once.standard_error, fourfold.standard_error, rtol=2e-3)


def test_markdown_is_counted_outside_fenced_code() -> None:
    text = "# Title\n\n- one\n- two **bold**\n\n```\n# not a header\n- no item\n```\n1. three"
    counts = count_style(text)
    assert (counts["headers"], counts["lists"], counts["bold"]) == (1, 3, 1)
    assert count_style(text, tokens=len)["length"] == len(text)


def test_large_data_reach_the_same_optimum_as_small(quartet: Comparisons) -> None:
    rng = np.random.default_rng(3)
    base = wordy_battles(2000, seed=4)
    rows = base.select(np.repeat(np.arange(2000), 100))
    rows = rows.select(rng.permutation(len(rows)))
    options = {"convention": "arena_hard_v2", "cluster": "none"}
    np.testing.assert_allclose(
        STYLE.fit(rows, options).rating, STYLE.fit(base, options).rating, atol=1e-6
    )
