"""Schedules: exact rates, the right distributions, reproducible."""

import numpy as np
import pytest
from scipy import stats

from speed.arrivals import arrival_offsets, ramped, scheduled_count


def offsets(count=3000, rate=50.0, distribution="poisson", burstiness=1.0, seed=7):
    return arrival_offsets(count, rate, distribution=distribution, burstiness=burstiness, seed=seed)


def test_a_poisson_schedule_holds_the_exact_number_in_the_time():
    times = offsets(count=1200, rate=20)

    assert len(times) == 1200
    assert times[-1] < 60
    assert np.all(np.diff(times) > 0)


def test_poisson_gaps_are_exponential():
    gaps = np.diff(offsets())

    assert stats.kstest(gaps, stats.expon(scale=1 / 50).cdf).pvalue > 0.01


def test_poisson_arrivals_are_uniform_over_the_time():
    assert stats.kstest(offsets(), stats.uniform(0, 60).cdf).pvalue > 0.01


@pytest.mark.parametrize("burstiness", [0.25, 1.0, 4.0])
def test_gamma_gaps_vary_as_the_burstiness_says(burstiness):
    gaps = np.diff(offsets(count=20_000, distribution="gamma", burstiness=burstiness))

    # The standard error of the coefficient of variation is below 2 % at 20,000 gaps.
    assert gaps.std() / gaps.mean() == pytest.approx(burstiness**-0.5, rel=0.06)


def test_constant_arrivals_are_evenly_spaced():
    assert np.diff(offsets(distribution="constant")) == pytest.approx(0.02)


def test_the_same_seed_gives_the_same_schedule():
    assert np.array_equal(offsets(seed=3), offsets(seed=3))
    assert not np.array_equal(offsets(seed=3), offsets(seed=4))


def test_a_ramp_climbs_linearly_to_the_full_rate():
    count = scheduled_count(100, duration_s=20, start_rate=0, ramp_s=10)
    warped = ramped(offsets(count, 100, "constant"), 100, start_rate=0, ramp_s=10)

    assert count == 1500
    assert np.count_nonzero(warped < 5) == pytest.approx(125, abs=1)  # 10 t^2 / 2 at t = 5
    assert np.count_nonzero(warped < 10) == pytest.approx(500, abs=1)
    assert np.count_nonzero((warped >= 10) & (warped < 20)) == pytest.approx(1000, abs=1)


@pytest.mark.parametrize(("rate", "burstiness"), [(0, 1), (1, 0), (-1, 1)])
def test_rates_and_burstiness_must_be_positive(rate, burstiness):
    with pytest.raises(ValueError, match="positive"):
        offsets(rate=rate, burstiness=burstiness)


def test_an_unknown_distribution_is_named():
    with pytest.raises(ValueError, match="pareto"):
        offsets(distribution="pareto")
