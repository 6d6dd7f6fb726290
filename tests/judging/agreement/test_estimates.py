import numpy as np
import pytest

from judging.agreement import mean, proportion
from judging.agreement.estimates import wilson_interval


def test_the_interval_of_a_mean_is_close_to_the_normal_one_when_clusters_are_single_rows():
    values = np.random.default_rng(1).normal(size=2_000)
    estimate = mean(values, range(2_000), rounds=2_000)
    half = 1.96 * values.std() / np.sqrt(2_000)
    # A percentile from 2,000 rounds moves by about 5 % of the half width.
    assert estimate.upper - estimate.value == pytest.approx(half, rel=0.1)
    assert estimate.value - estimate.lower == pytest.approx(half, rel=0.1)


def test_repeating_every_row_of_a_cluster_does_not_narrow_the_interval():
    values = np.random.default_rng(2).integers(0, 2, 200)
    once = proportion(values, range(200), seed=3)
    twice = proportion(np.repeat(values, 2), np.repeat(np.arange(200), 2).tolist(), seed=3)
    assert (twice.lower, twice.upper) == pytest.approx((once.lower, once.upper))
    assert twice.n == 400
    assert twice.n_clusters == 200


def test_a_clustered_interval_covers_the_truth_as_often_as_it_says():
    """Questions differ: each has its own probability around 0.6, and six verdicts."""
    generator = np.random.default_rng(4)
    covered = 0
    for seed in range(200):
        chance = np.clip(generator.normal(0.6, 0.2, 60), 0, 1)
        hits = generator.random((60, 6)) < chance[:, None]
        estimate = proportion(
            hits.ravel(), np.repeat(np.arange(60), 6).tolist(), seed=seed, rounds=300
        )
        covered += estimate.lower <= 0.6 <= estimate.upper
    # 95 % of 200 is 190 with a standard deviation of 3; percentile intervals run slightly short.
    assert 180 <= covered <= 199


def test_intervals_of_few_clusters_cover_the_truth_nearly_as_often_as_they_say():
    """Six questions with three verdicts each: plain percentiles would cover 88 % of the time."""
    generator = np.random.default_rng(5)
    clusters = np.repeat(np.arange(6), 3).tolist()
    covered = 0
    for seed in range(400):
        chance = generator.beta(3, 1, 6)
        hits = generator.random((6, 3)) < chance[:, None]
        estimate = proportion(hits.ravel(), clusters, seed=seed, rounds=200)
        covered += estimate.lower <= 0.75 <= estimate.upper
    assert covered / 400 > 0.91


def test_a_share_whose_resamples_are_all_alike_is_not_claimed_to_be_certain():
    estimate = proportion([True, True, False] * 3, np.repeat(range(3), 3).tolist())
    assert (estimate.lower, estimate.upper) == wilson_interval(2 / 3, 3)


def test_a_unanimous_share_is_not_claimed_to_be_certain():
    estimate = proportion([True] * 20, range(20))
    assert estimate.value == 1.0
    assert estimate.upper == 1.0
    assert estimate.lower == pytest.approx(1 / (1 + 1.959964**2 / 20))


def test_wilsons_interval_equals_a_published_example():
    """Newcombe 1998, table I: 81 of 263 gives 0.2553 to 0.3662."""
    assert wilson_interval(81 / 263, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)


def test_nothing_to_estimate_from_is_none_not_zero():
    estimate = proportion([], [])
    assert (estimate.value, estimate.lower, estimate.upper, estimate.n) == (None, None, None, 0)


def test_one_cluster_has_a_value_but_no_interval():
    estimate = mean([1.0, 2.0], ["q1", "q1"])
    assert (estimate.value, estimate.lower, estimate.upper) == (1.5, None, None)


def test_the_same_seed_gives_the_same_interval():
    values = np.random.default_rng(5).random(50)
    assert mean(values, range(50), seed=9) == mean(values, range(50), seed=9)
    assert mean(values, range(50), seed=9) != mean(values, range(50), seed=10)


def test_columns_of_different_length_are_refused_by_name():
    with pytest.raises(ValueError, match="'rows': 2, 'clusters': 1"):
        mean([1.0, 2.0], ["q1"])
