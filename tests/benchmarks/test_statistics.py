"""Scores, errors and comparisons against closed forms, other implementations and simulation."""

import math
import random
from itertools import combinations
from statistics import stdev

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.statistics.estimates import (
    half_width,
    is_precise,
    mean_estimate,
    plain_mean,
    samples_for,
    weighted_mean,
    wilson_interval,
)
from benchmarks.statistics.paired import holm, mcnemar, paired_bootstrap
from benchmarks.statistics.pass_at_k import pass_at_k
from benchmarks.statistics.ratios import ratio_error
from benchmarks.statistics.targets import Agreement, compare_to_target

EXACT = 1e-9  # the bound against lm-eval
scores = st.lists(st.floats(0, 1), min_size=2, max_size=50)


@given(scores)
def test_means_and_errors_are_lm_evals(values):
    metrics = pytest.importorskip("lm_eval.api.metrics")
    found = mean_estimate(values)
    assert found.value == pytest.approx(metrics.mean(values), abs=EXACT)
    assert found.stderr == pytest.approx(metrics.mean_stderr(values), abs=EXACT)


@given(st.lists(scores, min_size=2, max_size=6))
def test_group_scores_and_errors_are_lm_evals(groups):
    metrics = pytest.importorskip("lm_eval.api.metrics")
    parts = [mean_estimate(values) for values in groups]
    sizes = [part.n for part in parts]
    found = weighted_mean(parts)
    wanted = metrics.aggregate_subtask_metrics([p.value for p in parts], sizes, True)
    error = metrics.pooled_sample_stderr([p.stderr for p in parts], sizes)
    assert found.value == pytest.approx(wanted, abs=EXACT)
    assert found.stderr == pytest.approx(error, abs=EXACT)
    plain = metrics.aggregate_subtask_metrics([p.value for p in parts], sizes, False)
    assert plain_mean(parts).value == pytest.approx(plain, abs=EXACT)


def test_a_perfect_score_keeps_an_interval():
    found = mean_estimate([1.0] * 20)
    assert found.upper == 1
    assert found.lower == pytest.approx(20 / (20 + 1.959963984540054**2), abs=1e-12)


def test_wilsons_interval_is_the_published_one():
    # Newcombe 1998, table I: 81 of 263
    assert wilson_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)


def test_clusters_of_identical_samples_count_once():
    rng = np.random.default_rng(0)
    single = rng.random(40)
    clustered = mean_estimate(np.repeat(single, 5), np.repeat(np.arange(40), 5).tolist())
    alone = mean_estimate(single)
    assert clustered.stderr == pytest.approx(alone.stderr * math.sqrt(39 / 40), rel=1e-12)
    assert (clustered.n, clustered.clusters) == (200, 40)


def test_one_cluster_has_no_error_to_estimate():
    assert math.isnan(mean_estimate([0.0, 1.0, 1.0], ["a"] * 3).stderr)
    assert mean_estimate([0.0, 1.0, 1.0], ["a"] * 3).as_dict()["stderr"] is None


@pytest.mark.parametrize("scores", [[1, 0, 1, 0], [1, 1, 1, 1], [0, 0, 0, 0]])
def test_clusters_that_agree_by_chance_leave_an_interval(scores):
    found = mean_estimate(scores, [0, 0, 1, 1])
    assert found.stderr == 0
    assert (found.lower, found.upper) == wilson_interval(found.value * 2, 2)


def test_few_clusters_give_wide_intervals():
    few = mean_estimate([1, 1, 0, 0, 1, 0], [0, 0, 1, 1, 2, 2])
    effective = 4.5 * (1.959964 / 4.302653) ** 2  # 0.25 / stderr², t with 2 degrees of freedom
    assert (few.lower, few.upper) == pytest.approx(wilson_interval(effective / 2, effective))
    whole = mean_estimate([3.0, 4.0, 5.0, 8.0], [0, 0, 1, 1])
    assert whole.upper - whole.value == pytest.approx(12.706205 * whole.stderr)


def test_intervals_of_few_clusters_cover_the_truth():
    random = np.random.default_rng(8)
    covered = 0
    for _ in range(400):
        shares = random.beta(4, 4, size=6)
        values = (random.random((6, 20)) < shares[:, None]).ravel().astype(float)
        found = mean_estimate(values, np.repeat(np.arange(6), 20).tolist())
        covered += found.lower <= 0.5 <= found.upper
    assert covered / 400 > 0.93


def test_clustered_intervals_cover_the_truth_where_plain_ones_do_not():
    rng = np.random.default_rng(1)
    covered = {"clustered": 0, "plain": 0}
    labels = np.repeat(np.arange(60), 8)
    for _ in range(300):
        passages = rng.normal(0, 1, 60)
        values = passages[labels] + rng.normal(0, 1, 480)
        for name, clusters in (("clustered", labels.tolist()), ("plain", None)):
            found = mean_estimate(values, clusters)
            covered[name] += found.lower <= 0 <= found.upper
    assert covered["clustered"] / 300 > 0.91
    assert covered["plain"] / 300 < 0.75


def test_no_scores_have_no_mean():
    with pytest.raises(ValueError, match="no scores"):
        mean_estimate([])


def test_a_run_stops_at_the_precision_asked_for():
    rng = np.random.default_rng(2)
    values = (rng.random(samples_for(0.05) + 40) < 0.5).astype(float)
    assert is_precise(mean_estimate(values), 0.05)
    assert not is_precise(mean_estimate(values[:60]), 0.5)
    assert half_width(mean_estimate(values[:150])) > 0.05


@pytest.mark.parametrize(("only_first", "only_second"), [(0, 0), (1, 9), (12, 12), (30, 10)])
def test_mcnemar_is_the_exact_binomial_test(only_first, only_second):
    n = only_first + only_second
    tail = sum(math.comb(n, i) for i in range(min(only_first, only_second) + 1)) / 2**n
    first = [1] * only_first + [0] * only_second + [1] * 5
    second = [0] * only_first + [1] * only_second + [1] * 5
    found = mcnemar(first, second)
    assert (found.only_first, found.only_second) == (only_first, only_second)
    assert found.p_value == pytest.approx(min(2 * tail, 1.0))


def test_the_paired_bootstrap_sees_what_the_unpaired_error_hides():
    rng = np.random.default_rng(3)
    difficulty = rng.random(400)
    first = np.clip(difficulty + 0.03, 0, 1)
    found = paired_bootstrap(first, difficulty, seed=1)
    assert found.lower > 0
    assert found.p_value < 0.01
    unpaired = math.hypot(mean_estimate(first).stderr, mean_estimate(difficulty).stderr)
    assert found.value < 2 * unpaired


def test_the_paired_bootstrap_repeats_with_its_seed_and_respects_clusters():
    rng = np.random.default_rng(4)
    effects = rng.normal(0, 1, 20)
    first = np.repeat(effects, 10) + rng.normal(0, 0.1, 200)
    second = np.zeros(200)
    labels = np.repeat(np.arange(20), 10).tolist()
    plain = paired_bootstrap(first, second, seed=5)
    assert paired_bootstrap(first, second, seed=5) == plain
    clustered = paired_bootstrap(first, second, seed=5, clusters=labels)
    assert clustered.upper - clustered.lower > 2 * (plain.upper - plain.lower)


def test_false_findings_of_the_paired_bootstrap_stay_at_their_rate():
    rng = np.random.default_rng(6)
    found = [
        paired_bootstrap(rng.random(80), rng.random(80), seed=i, resamples=400).p_value < 0.05
        for i in range(300)
    ]
    assert 0.02 < np.mean(found) < 0.09


def test_runs_of_different_samples_cannot_be_paired():
    with pytest.raises(ValueError, match="same samples"):
        paired_bootstrap([1.0, 0.0], [1.0])


def test_holm_is_the_textbook_example():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []


@pytest.mark.parametrize("n", range(1, 7))
def test_pass_at_k_counts_all_ways_to_draw_k(n):
    for c in range(n + 1):
        right = [True] * c + [False] * (n - c)
        for k in range(1, n + 1):
            draws = list(combinations(right, k))
            share = sum(any(draw) for draw in draws) / len(draws)
            assert pass_at_k(n, c, k) == pytest.approx(share)


def test_pass_at_k_needs_k_samples():
    with pytest.raises(ValueError, match="at least 10"):
        pass_at_k(5, 1, 10)


@pytest.mark.parametrize(
    ("published", "same", "agreement"),
    [(0.52, True, Agreement.WITHIN), (0.9, True, Agreement.OFF),
     (0.5, False, Agreement.OTHER_PROTOCOL)],
)  # fmt: skip
def test_a_published_value_is_within_two_errors_or_not(published, same, agreement):
    measured = mean_estimate([0.0, 1.0] * 50)
    assert compare_to_target(measured, published, same_protocol=same).agreement is agreement


def test_where_all_samples_score_alike_the_interval_tells_how_far_a_published_value_is():
    none_right = mean_estimate([0.0] * 40)
    assert none_right.stderr == 0
    far, near = (compare_to_target(none_right, p, same_protocol=True) for p in (0.6, 0.05))
    assert (far.agreement, near.agreement) == (Agreement.OFF, Agreement.WITHIN)
    # Wilson's upper end is 8.8 %, which is 1.96 standard errors away
    assert near.z == pytest.approx(-0.05 / (none_right.upper / 1.95996), rel=1e-4)


def test_the_error_of_a_ratio_is_that_of_resampled_samples():
    rng = random.Random(3)
    weights = [rng.randint(5, 60) for _ in range(200)]
    sums = [-2.0 * w + rng.gauss(0, 6) for w in weights]
    pairs, ratios = list(zip(sums, weights, strict=True)), []
    for _ in range(2000):
        drawn = rng.choices(pairs, k=len(pairs))
        ratios.append(sum(y for y, _ in drawn) / sum(w for _, w in drawn))
    # 2,000 resamples know a standard error to 1.6 %
    assert ratio_error(sums, weights) == pytest.approx(stdev(ratios), rel=0.07)
    assert ratio_error([-1.0], [2.0]) is None
