"""When requests are due: the arrival processes of an open loop, drawn before the clock starts.

A schedule of n arrivals in T seconds is drawn as n + 1 gaps rescaled to sum to T. For exponential
gaps this is exactly a Poisson process given that n arrivals fell into T (their times are sorted
uniforms), so the realised rate is the requested one and not one that wanders by 1/sqrt(n). vLLM
rescales its schedule likewise. Gamma gaps have shape b (the burstiness) and a coefficient of
variation of 1/sqrt(b): b = 1 is Poisson, b below 1 is burstier, large b tends to even spacing.
"""

import numpy as np
from numpy.typing import NDArray

Offsets = NDArray[np.float64]  # seconds from the start of the phase, ascending


def scheduled_count(
    rate: float, *, duration_s: float, start_rate: float = 0.0, ramp_s: float = 0.0
) -> int:
    """Arrivals that ``rate`` per second makes of ``duration_s``, with a linear climb before it."""
    climb_s = min(ramp_s, duration_s)
    expected = rate * (duration_s - climb_s)
    if climb_s > 0:
        slope = (rate - start_rate) / ramp_s
        expected += start_rate * climb_s + slope * climb_s**2 / 2
    return max(1, round(expected))


def arrival_offsets(
    count: int, rate: float, *, distribution: str, burstiness: float, seed: int
) -> Offsets:
    """``count`` arrival times at ``rate`` per second for ``distribution``.

    Raises ValueError for a rate or burstiness that is not positive, or an unknown distribution.
    """
    if rate <= 0 or burstiness <= 0:
        raise ValueError(f"rate {rate} and burstiness {burstiness} must be positive")
    duration_s = count / rate
    if distribution == "constant":
        return np.arange(count, dtype=np.float64) / rate
    shape = {"poisson": 1.0, "gamma": burstiness}.get(distribution)
    if shape is None:
        raise ValueError(f"unknown arrivals {distribution!r}; use constant, poisson or gamma")
    gaps = np.random.default_rng(seed).gamma(shape, size=count + 1)
    cumulative = np.cumsum(gaps)
    scaled: Offsets = cumulative[:-1] / cumulative[-1] * duration_s
    return scaled


def ramped(offsets: Offsets, rate: float, *, start_rate: float, ramp_s: float) -> Offsets:
    """Warp a schedule of constant ``rate`` so that the rate first climbs linearly.

    The rate runs from ``start_rate`` to ``rate`` within ``ramp_s`` and stays there. The k-th
    arrival moves to the time t at which the cumulative intensity L(t) equals rate * offset:
    L(t) = start_rate t + (rate - start_rate) t^2 / (2 ramp_s) during the ramp.
    """
    if ramp_s <= 0 or start_rate == rate:
        return offsets
    if start_rate < 0:
        raise ValueError(f"the ramp starts at {start_rate} requests/s; give 0 or more")
    due = offsets * rate
    ramp_total = (start_rate + rate) / 2 * ramp_s
    slope = (rate - start_rate) / ramp_s
    within = np.minimum(due, ramp_total)
    root = np.sqrt(np.maximum(start_rate**2 + 2 * slope * within, 0.0))
    during = 2 * within / np.maximum(start_rate + root, 1e-300)
    after = ramp_s + (due - ramp_total) / rate
    warped: Offsets = np.where(due <= ramp_total, during, after)
    return warped
