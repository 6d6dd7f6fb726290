"""Is a judge right as often as it says?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from judging.agreement.estimates import (
    DEFAULT_ROUNDS,
    Clusters,
    Estimate,
    FloatArray,
    cluster_bootstrap,
    cluster_sums,
    divide,
    mean,
    proportion,
    require_same_length,
)

N_BINS = 10


@dataclass(frozen=True, slots=True)
class CalibrationBin:
    """Verdicts of similar confidence, from ``lower`` up to ``upper``.

    ``mean_confidence`` is ``None`` in an empty bin, and so is the value of ``agreement``, the share
    of them that is right.
    """

    number: int
    lower: float
    upper: float
    mean_confidence: float | None
    agreement: Estimate


@dataclass(frozen=True, slots=True)
class Calibration:
    """Confidence against agreement with people.

    ``expected_error`` is the mean gap between confidence and agreement over bins, weighted by
    size (Naeini et al. 2015); with few verdicts per bin it is above 0 even for a calibrated judge.
    ``brier`` is the mean squared difference between confidence and being right.
    """

    bins: tuple[CalibrationBin, ...]
    expected_error: Estimate
    brier: Estimate


def calibration(
    confidence: Sequence[float],
    is_right: Sequence[bool],
    clusters: Clusters,
    *,
    n_bins: int = N_BINS,
    seed: int = 0,
    rounds: int = DEFAULT_ROUNDS,
) -> Calibration:
    """Bin verdicts by confidence in [0, 1] into ``n_bins`` of equal width.

    Raises ValueError for a confidence outside [0, 1].
    """
    require_same_length(confidence=confidence, is_right=is_right, clusters=clusters)
    stated, right = np.asarray(confidence, dtype=np.float64), np.asarray(is_right, np.float64)
    if len(stated) and not (stated.min() >= 0 and stated.max() <= 1):
        raise ValueError(
            f"confidences lie between {stated.min()} and {stated.max()}; give shares from 0 to 1"
        )
    index = np.array([bin_number(value, n_bins) for value in confidence], dtype=np.intp)
    rows = np.zeros((len(stated), 3, n_bins))
    rows[np.arange(len(stated)), :, index] = np.column_stack((np.ones(len(stated)), stated, right))
    sums = cluster_sums(rows.reshape(len(stated), 3 * n_bins), clusters)

    def expected_error(totals: FloatArray) -> FloatArray:
        n, said, was = np.moveaxis(totals.reshape(*totals.shape[:-1], 3, n_bins), -2, 0)
        return divide(np.abs(said - was).sum(axis=-1), n.sum(axis=-1))

    def in_bin(number: int) -> CalibrationBin:
        chosen = np.flatnonzero(index == number)
        own = [clusters[place] for place in chosen.tolist()]
        return CalibrationBin(
            number=number,
            lower=number / n_bins,
            upper=(number + 1) / n_bins,
            mean_confidence=float(stated[chosen].mean()) if len(chosen) else None,
            agreement=proportion(right[chosen], own, seed=seed, rounds=rounds),
        )

    return Calibration(
        bins=tuple(in_bin(number) for number in range(n_bins)),
        expected_error=cluster_bootstrap(
            sums, expected_error, n=len(stated), seed=seed, rounds=rounds
        ),
        brier=mean((stated - right) ** 2, clusters, seed=seed, rounds=rounds),
    )


def bin_number(confidence: float, n_bins: int = N_BINS) -> int:
    """The bin of a confidence in [0, 1], counted from 0; a confidence of 1 is in the last."""
    # rounded, so that 0.7, which is 0.69999… times ten, stays with its like
    return min(int(round(confidence * n_bins, 9)), n_bins - 1)
