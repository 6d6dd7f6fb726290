"""Means of sample scores with standard errors and intervals.

Sources: E. Miller, "Adding Error Bars to Evals" (2024), sections 2.1-2.2 (clustered error);
E. B. Wilson, JASA 22 (1927) (interval of a share); Korn and Graubard, Survey Methodology
24 (1998) (effective sample size of a clustered share); lm-eval 0.4.13 (pooled group error).
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

FloatArray = npt.NDArray[np.float64]
Z_95 = 1.959963984540054  # 97.5 % quantile of the standard normal


@dataclass(frozen=True, slots=True)
class Estimate:
    """A score with its standard error and 95 % interval, over ``n`` samples.

    ``clusters`` is the number of independent groups where samples share a passage or a subject,
    otherwise ``n``. With a single cluster the error cannot be estimated: it is NaN.
    """

    value: float
    stderr: float
    lower: float
    upper: float
    n: int
    clusters: int

    def as_dict(self) -> dict[str, Any]:  # JSON for a row
        found = {"value": self.value, "stderr": self.stderr, "lower": self.lower}
        rest = {"upper": self.upper, "n": self.n, "clusters": self.clusters}
        return {k: None if isinstance(v, float) and math.isnan(v) else v
                for k, v in (found | rest).items()}  # fmt: skip


def mean_estimate(
    scores: Sequence[float] | FloatArray, clusters: Sequence[Hashable] | None = None
) -> Estimate:
    """The mean of ``scores`` ``[n]``.

    Without clusters the error is the sample deviation (n-1) over √n, lm-eval's; shares of 0/1
    scores get Wilson's interval, which stays inside [0, 1] and does not vanish at 0 or 1. With
    clusters it is √(Σ_c (Σ_{i∈c} (s_i - s̄))²) / n, which assumes independence of clusters only; the
    interval is wider the fewer clusters there are. Raises ValueError for no scores.
    """
    values = np.asarray(scores, dtype=np.float64)
    n = len(values)
    if not n:
        raise ValueError("there are no scores to average")
    mean = float(values.mean())
    if clusters is not None and len(set(clusters)) < n:
        groups = len(set(clusters))
        stderr = _clustered_error(values - mean, clusters) if groups > 1 else math.nan
        return Estimate(mean, stderr, *_clustered_interval(values, stderr, groups), n, groups)
    stderr = float(values.std(ddof=1)) / math.sqrt(n) if n > 1 else math.nan
    if _is_binary(values):
        return Estimate(mean, stderr, *wilson_interval(float(values.sum()), n), n, n)
    return Estimate(mean, stderr, *_normal_interval(values, mean, stderr), n, n)


def _is_binary(values: FloatArray) -> bool:
    return bool(np.isin(values, (0.0, 1.0)).all())


def _clustered_error(deviations: FloatArray, clusters: Sequence[Hashable]) -> float:
    index = {cluster: i for i, cluster in enumerate(dict.fromkeys(clusters))}
    sums = np.bincount([index[cluster] for cluster in clusters], weights=deviations)
    return float(np.sqrt((sums**2).sum())) / len(deviations)


def _clustered_interval(values: FloatArray, stderr: float, groups: int) -> tuple[float, float]:
    """Student's t with one degree of freedom less than clusters; for shares Wilson's interval over
    the effective sample size, which does not vanish where all clusters agree.
    """
    mean = float(values.mean())
    if groups < 2:
        return math.nan, math.nan
    t = float(stdtrit(groups - 1, 0.975))
    if not _is_binary(values):
        return _normal_interval(values, mean, stderr, t)
    effective = float(groups)
    if stderr:
        effective = min(mean * (1 - mean) / stderr**2, len(values)) * (Z_95 / t) ** 2
    return wilson_interval(mean * effective, effective)


def _normal_interval(
    values: FloatArray, mean: float, stderr: float, z: float = Z_95
) -> tuple[float, float]:
    lower, upper = mean - z * stderr, mean + z * stderr
    if bool(((values >= 0) & (values <= 1)).all()):
        return max(lower, 0.0), min(upper, 1.0)
    return lower, upper


def wilson_interval(successes: float, n: float) -> tuple[float, float]:
    """Wilson's 95 % score interval for a share of ``n`` trials."""
    share = successes / n
    z2 = Z_95**2
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z_95 * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return max(centre - half, 0.0), min(centre + half, 1.0)


def weighted_mean(parts: Sequence[Estimate]) -> Estimate:
    """A group's score weighted by the sizes of its tasks, with lm-eval's pooled error.

    √( Σ (n_i - 1) n_i se_i² / (N - k) / N ) with N = Σ n_i over k tasks: the variances inside the
    tasks are pooled, differences between tasks do not count.
    """
    n = sum(part.n for part in parts)
    value = sum(part.value * part.n for part in parts) / n
    if n > len(parts):
        pooled = sum((part.n - 1) * part.n * part.stderr**2 for part in parts if part.n > 1)
        stderr = math.sqrt(pooled / (n - len(parts)) / n)
    else:
        stderr = math.nan
    return _group(parts, value, stderr)


def error_between_tasks(parts: Sequence[Estimate]) -> float:
    """Error of ``weighted_mean`` if its tasks were a sample of subjects: clustered by task.

    √( Σ n_i² (m_i - m)² ) / N, the clustered error above with one cluster per task. It says how far
    another choice of subjects would move the score; ``weighted_mean`` says it for other questions
    on the same subjects. NaN for a single task.
    """
    if len(parts) < 2:
        return math.nan
    n = sum(part.n for part in parts)
    mean = sum(part.value * part.n for part in parts) / n
    return math.sqrt(sum((part.n * (part.value - mean)) ** 2 for part in parts)) / n


def plain_mean(parts: Sequence[Estimate]) -> Estimate:
    """A group's score with every task counting the same; errors of independent tasks add up."""
    value = sum(part.value for part in parts) / len(parts)
    stderr = math.sqrt(sum(part.stderr**2 for part in parts)) / len(parts)
    return _group(parts, value, stderr)


def _group(parts: Sequence[Estimate], value: float, stderr: float) -> Estimate:
    n, clusters = sum(part.n for part in parts), sum(part.clusters for part in parts)
    lower, upper = value - Z_95 * stderr, value + Z_95 * stderr
    if all(part.lower >= 0 and part.upper <= 1 for part in parts):
        lower, upper = max(lower, 0.0), min(upper, 1.0)
    return Estimate(value, stderr, lower, upper, n, clusters)


def half_width(estimate: Estimate) -> float:
    """Half of the 95 % interval."""
    return (estimate.upper - estimate.lower) / 2


def is_precise(estimate: Estimate, precision: float, *, least: int = 100) -> bool:
    """Whether a run may stop early: half-width at most ``precision`` after ``least`` samples.

    Looking again and again makes the 95 % interval optimistic when looks are many and the stop is
    early; a floor of samples and fixed looks keep its coverage near nominal (docs/benchmarks.md).
    """
    return estimate.n >= least and half_width(estimate) <= precision


def samples_for(precision: float, *, spread: float = 0.5) -> int:
    """Samples for a half-width of ``precision``; ``spread`` 0.5 is the worst case of a share."""
    return math.ceil((Z_95 * spread / precision) ** 2)
