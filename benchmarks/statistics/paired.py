"""Two runs on the same samples: is the difference more than chance?

Sources: Q. McNemar, Psychometrika 12 (1947); S. Holm, Scand. J. Statist. 6 (1979); Efron and
Tibshirani, An Introduction to the Bootstrap (1993), chapter 13.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
RESAMPLES = 10_000


@dataclass(frozen=True, slots=True)
class McNemar:
    """Samples that only the first or only the second run got right, and the exact p-value."""

    only_first: int
    only_second: int
    p_value: float


@dataclass(frozen=True, slots=True)
class Difference:
    """Mean of first minus second, with a bootstrap interval and two-sided p-value."""

    value: float
    lower: float
    upper: float
    p_value: float
    n: int


def mcnemar(first: Sequence[float] | FloatArray, second: Sequence[float] | FloatArray) -> McNemar:
    """The exact test on discordant samples of two 0/1 score vectors ``[n]``, in the same order.

    Under the null hypothesis each discordant sample falls either way with probability 1/2. Without
    discordant samples the p-value is 1.
    """
    from scipy.stats import binomtest  # every command would wait half a second for it

    a, b = np.asarray(first) > 0.5, np.asarray(second) > 0.5
    only_first, only_second = int((a & ~b).sum()), int((~a & b).sum())
    discordant = only_first + only_second
    p_value = float(binomtest(only_first, discordant).pvalue) if discordant else 1.0
    return McNemar(only_first, only_second, p_value)


def paired_bootstrap(
    first: Sequence[float] | FloatArray,
    second: Sequence[float] | FloatArray,
    *,
    clusters: Sequence[Hashable] | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Difference:
    """Resample samples (or whole clusters) and look at the mean difference of two runs ``[n]``.

    Interval: 2.5 % and 97.5 % percentiles. p-value: twice the smaller share of resampled means,
    shifted to the null hypothesis of no difference, that lie as far out, with the +1 that keeps it
    above 0. Raises ValueError for vectors of different lengths or none at all.
    """
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if len(a) != len(b) or not len(a):
        raise ValueError(f"paired scores need the same samples; got {len(a)} and {len(b)}")
    differences = a - b
    value = float(differences.mean())
    sums, sizes = _by_cluster(differences, clusters)
    means = _resampled_means(sums, sizes, np.random.default_rng(seed), resamples)
    lower, upper = np.percentile(means, (2.5, 97.5))
    extreme = int((np.abs(means - value) >= abs(value)).sum())
    p_value = (extreme + 1) / (resamples + 1)
    return Difference(value, float(lower), float(upper), min(p_value, 1.0), len(a))


def _by_cluster(
    differences: FloatArray, clusters: Sequence[Hashable] | None
) -> tuple[FloatArray, FloatArray]:
    if clusters is None:
        return differences, np.ones(len(differences))
    index = {cluster: i for i, cluster in enumerate(dict.fromkeys(clusters))}
    labels = [index[cluster] for cluster in clusters]
    sizes = np.bincount(labels).astype(np.float64)
    return np.bincount(labels, weights=differences).astype(np.float64), sizes


def _resampled_means(
    sums: FloatArray, sizes: FloatArray, rng: np.random.Generator, resamples: int
) -> FloatArray:
    means = np.empty(resamples)
    step = max(2_000_000 // len(sums), 1)  # 16 MB of indices at once
    for start in range(0, resamples, step):
        count = min(step, resamples - start)
        drawn = rng.integers(0, len(sums), (count, len(sums)))
        means[start : start + count] = sums[drawn].sum(1) / sizes[drawn].sum(1)
    return means


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values adjusted so that the chance of any false finding among them stays as stated."""
    order = np.argsort(p_values, kind="stable")
    adjusted = np.empty(len(p_values))
    largest = 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min((len(p_values) - rank) * p_values[index], 1.0))
        adjusted[index] = largest
    return [float(value) for value in adjusted]
