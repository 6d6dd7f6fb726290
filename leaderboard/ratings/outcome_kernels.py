"""The probabilities behind the tie models, with exact derivatives."""

import numpy as np
from numpy.typing import NDArray

from leaderboard.ratings.comparisons import Outcome
from leaderboard.ratings.outcomes import Extras, Kernel

A, B, TIE, BAD = (int(outcome) for outcome in Outcome)


def davidson_kernel(local: NDArray[np.float64], extras: Extras) -> Kernel:
    """Davidson (1970): πa : πb : ν√(πaπb) : κ, a multinomial logit in (θa, θb, ln ν, ln κ)."""
    design = np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0.5, 0.5, 1, 0], [0, 0, 0, 1]], dtype=float)
    is_open = np.array([True, True, extras.has_ties, extras.has_both_bad])
    with np.errstate(invalid="ignore"):
        utility = np.where(is_open, np.nan_to_num(local, neginf=0.0) @ design.T, -np.inf)
    top = utility.max(axis=1, keepdims=True)
    value = utility - top - np.log(np.exp(utility - top).sum(axis=1, keepdims=True))
    chance = np.exp(value)
    mean = chance @ design
    slope = design[None, :, :] - mean[:, None, :]
    spread = np.einsum("co,oj,ok->cjk", chance, design, design)
    spread -= mean[:, :, None] * mean[:, None, :]
    bend = np.broadcast_to(-spread[:, None], (*slope.shape, slope.shape[2])).copy()
    return Kernel(value, slope, bend)


def rao_kupper_kernel(local: NDArray[np.float64], extras: Extras) -> Kernel:
    """Rao & Kupper (1967), grounded: both-bad as in Frick et al. 2025 (P2L, section 3.2).

    win_a = πa / (πa + ηπb + κ), win_b likewise, both_bad = κ / (πa + πb + κ), a tie is the rest;
    η = 1 + e^λ. Without both-bad κ = 0, which is Rao & Kupper's own model; without ties η = 1.
    """
    c = local.shape[0]
    kernel = Kernel(np.zeros((c, 4)), np.zeros((c, 4, 4)), np.zeros((c, 4, 4, 4)))
    clean = np.nan_to_num(local, neginf=0.0)
    wider, first, second = _threshold(clean[:, 2], extras.has_ties)
    ones, zero = np.ones(c), np.zeros(c)
    kappa = clean[:, 3] if extras.has_both_bad else np.full(c, -np.inf)
    terms = {
        A: ((clean[:, 0], 0, zero), (clean[:, 1] + wider, 1, ones), (kappa, 3, zero)),
        B: ((clean[:, 1], 1, zero), (clean[:, 0] + wider, 0, ones), (kappa, 3, zero)),
        BAD: ((kappa, 3, zero), (clean[:, 0], 0, zero), (clean[:, 1], 1, zero)),
    }
    for outcome, parts in terms.items():
        _log_share(outcome, parts, (first, second), kernel)
    if extras.has_ties:
        _remainder(kernel)
    else:
        kernel.value[:, TIE] = -np.inf
    return kernel


def _threshold(
    log_excess: NDArray[np.float64], has_ties: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """ln η = ln(1 + e^λ) with its first two derivatives in λ."""
    if not has_ties:
        nothing = np.zeros_like(log_excess)
        return nothing, nothing, nothing
    rate = 1 / (1 + np.exp(-log_excess))
    return np.logaddexp(0, log_excess), rate, rate * (1 - rate)


Part = tuple[NDArray[np.float64], int, NDArray[np.float64]]


def _log_share(
    outcome: int,
    parts: tuple[Part, Part, Part],
    threshold: tuple[NDArray[np.float64], NDArray[np.float64]],
    into: Kernel,
) -> None:
    """ln of the first part's share among exp(parts); a part may lean on the threshold ln η."""
    first, second = threshold
    value, slope, bend = into.value, into.slope, into.bend
    utility = np.stack([part[0] for part in parts], axis=1)
    top = utility.max(axis=1, keepdims=True)
    share = np.exp(utility - top)
    total = share.sum(axis=1, keepdims=True)
    share /= total
    with np.errstate(invalid="ignore"):
        value[:, outcome] = utility[:, 0] - top[:, 0] - np.log(total[:, 0])
    gradient = np.zeros((value.shape[0], 3, 4))
    for place, (_, parameter, leans) in enumerate(parts):
        gradient[:, place, parameter] = 1.0
        gradient[:, place, 2] += leans * first
    mean = np.einsum("cp,cpj->cj", share, gradient)
    slope[:, outcome] = gradient[:, 0] - mean
    spread = np.einsum("cp,cpj,cpk->cjk", share, gradient, gradient)
    spread -= mean[:, :, None] * mean[:, None, :]
    bend[:, outcome] = -spread
    leaning = sum(share[:, place] * part[2] for place, part in enumerate(parts))
    bend[:, outcome, 2, 2] -= leaning * second


def _remainder(into: Kernel) -> None:
    """The tie is what the other outcomes leave; its derivatives follow from theirs."""
    value, slope, bend = into.value, into.slope, into.bend
    others = [A, B, BAD]
    chance = np.exp(value[:, others])
    rest = np.maximum(1 - chance.sum(axis=1), np.finfo(float).tiny)
    slope_of = -np.einsum("co,coj->cj", chance, slope[:, others])
    curve = bend[:, others] + slope[:, others, :, None] * slope[:, others, None, :]
    bend_of = -np.einsum("co,cojk->cjk", chance, curve)
    value[:, TIE] = np.log(rest)
    slope[:, TIE] = slope_of / rest[:, None]
    bend[:, TIE] = bend_of / rest[:, None, None]
    bend[:, TIE] -= slope[:, TIE, :, None] * slope[:, TIE, None, :]
