"""What a sceptic asks of a ranking: misfit by pair, cycles, and which votes carry the top."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc, expit, ndtri

from leaderboard.ratings.cells import PairTable, cell_keys
from leaderboard.ratings.clusters import plan_clusters
from leaderboard.ratings.comparisons import Comparisons
from leaderboard.ratings.options import ScaleOptions
from leaderboard.ratings.pair_shares import pair_shares
from leaderboard.ratings.pair_sums import bin_sums
from leaderboard.ratings.ratings import Ratings, json_number
from leaderboard.ratings.scale import points_per_nat
from leaderboard.ratings.strengths import PairFit, fit_pairs, residual_scores

MOST_RIVALS: Final = 5
"""Rivals of the leader that are tried; those nearest in standard errors flip first."""

SHOWN_ROWS: Final = 1000
"""Row numbers listed per finding; the count is always whole."""


def pair_residuals(
    rows: Comparisons, ratings: Ratings, *, scale: float = 400.0, both_bad_is_tie: bool = False
) -> dict[str, Any]:
    """Observed against expected share by pair, worst misfit first.

    ``z`` is the difference over the clustered standard error of the observed share, floored by
    ``least_error``; fitting makes it slightly small where few pairs carry a model.
    ``chi_square`` sums z² with as many degrees of freedom as pairs less fitted strengths: a small
    ``p_value`` says that one number per model does not describe these battles.
    """
    plan = plan_clusters(rows)
    seen = pair_shares(rows, plan, both_bad_is_tie=both_bad_is_tie)
    gap = ratings.rating[seen.first] - ratings.rating[seen.second]
    expected = expit(gap / points_per_nat(scale))
    with np.errstate(invalid="ignore", divide="ignore"):
        z = (seen.share - expected) / np.fmax(seen.error, least_error(expected, seen.clusters))
    z[~np.isfinite(z)] = np.nan
    usable = ~np.isnan(z)
    rated = ~np.isnan(ratings.rating)
    groups = int(ratings.component.max(initial=-1)) + 1
    freedom = max(int(usable.sum()) - (int(rated.sum()) - groups), 0)
    total = float(np.nansum(np.square(z)))
    order = np.argsort(-np.abs(np.nan_to_num(z)), kind="stable")
    return {
        "pairs": [
            {
                "model_a": rows.models[seen.first[k]],
                "model_b": rows.models[seen.second[k]],
                "battles": float(seen.games[k]),
                "observed": float(seen.share[k]),
                "expected": json_number(expected[k]),
                "z": json_number(z[k]),
            }
            for k in order.tolist()
        ],
        "chi_square": total,
        "degrees_of_freedom": freedom,
        "p_value": float(chdtrc(freedom, total)) if freedom else None,
    }


def least_error(expected: NDArray[np.float64], clusters: NDArray[np.int64]) -> NDArray[np.float64]:
    """Half the binomial error of as many clusters: battles that happen to agree are not certain."""
    return np.sqrt(expected * (1 - expected) / np.maximum(clusters, 1)) / 2


def surviving_cycles(
    rows: Comparisons, *, level: float = 0.95, both_bad_is_tie: bool = False, most: int = 50
) -> list[dict[str, Any]]:
    """Triples in which each beats the next beyond noise, however one looks for them.

    A beats B when A's share exceeds one half by the Bonferroni critical value over all pairs
    times its clustered error, so that at ``level`` no edge anywhere is noise. Ordered by the
    weakest edge. No single number per model can show such a cycle.
    """
    seen = pair_shares(rows, plan_clusters(rows), both_bad_is_tie=both_bad_is_tie)
    if not seen.share.size:
        return []
    critical = float(-ndtri((1 - level) / (2 * seen.share.size)))
    error = np.nan_to_num(seen.error, nan=np.inf)
    floor = least_error(np.full(error.size, 0.5), seen.clusters)
    z = (seen.share - 0.5) / np.maximum(error, floor)
    m = rows.n_models
    strength = np.zeros((m, m))
    strength[seen.first, seen.second], strength[seen.second, seen.first] = z, -z
    share = np.zeros((m, m))
    share[seen.first, seen.second], share[seen.second, seen.first] = seen.share, 1 - seen.share
    beats = strength > critical
    found = []
    for first in range(m):
        for second in np.flatnonzero(beats[first]):
            closing = beats[second] & beats[:, first]
            closing[: first + 1] = False
            if second > first:
                found += [(first, int(second), int(third)) for third in np.flatnonzero(closing)]
    ranked = [(min(strength[a, b], strength[b, c], strength[c, a]), (a, b, c)) for a, b, c in found]
    return [
        {
            "models": [rows.models[i] for i in triple],
            "shares": [float(share[triple[i], triple[(i + 1) % 3]]) for i in range(3)],
            "weakest_z": float(weakest),
        }
        for weakest, triple in sorted(ranked, reverse=True)[:most]
    ]


@dataclass(frozen=True, slots=True)
class _Rivalry:
    leader: int
    rival: int


def influential_votes(rows: Comparisons, options: ScaleOptions | None = None) -> dict[str, Any]:
    """How few votes, taken away, would put another model first, and which.

    Votes are ordered by their first-order influence on the leader's lead over a rival
    (Broderick, Giordano & Meager, arXiv 2011.14999; for arenas arXiv 2508.11847), then the
    smallest prefix that truly changes the first place is found by refitting Bradley–Terry. So
    ``removals`` is a certified upper bound on the fewest possible. The leader of the largest
    component is examined against its nearest rivals. ``removals`` is None when no prefix that
    leaves the component whole changes it.
    """
    options = options or ScaleOptions()
    table = PairTable.of(rows)
    pairs = fit_pairs(table, options, rows.models)
    main = np.flatnonzero(pairs.connectivity.component == 0)
    if main.size < 2:
        return {"leader": None, "removals": None, "votes": len(rows)}
    strength = pairs.strength
    leader = int(main[np.argmax(strength[main])])
    found: NDArray[np.intp] | None = None
    overtaker = -1
    for rival in _rivals(pairs, main, leader):
        limit = len(rows) if found is None else found.size - 1
        removal = _fewest(rows, pairs, options, _Rivalry(leader, rival), limit=limit)
        if removal is not None:
            found, overtaker = removal, rival
    return {
        "leader": rows.models[leader],
        "votes": len(rows),
        "removals": None if found is None else int(found.size),
        "share": None if found is None else found.size / len(rows),
        "overtaken_by": None if found is None else rows.models[overtaker],
        "rows": [] if found is None else found[:SHOWN_ROWS].tolist(),
    }


def _rivals(pairs: PairFit, main: NDArray[np.intp], leader: int) -> list[int]:
    others = main[main != leader]
    bread, strength = pairs.fit.bread, pairs.strength
    spread = bread[leader, leader] + np.diag(bread)[others] - 2 * bread[leader, others]
    distance = (strength[leader] - strength[others]) / np.sqrt(np.maximum(spread, 1e-300))
    return [int(others[k]) for k in np.argsort(distance, kind="stable")[:MOST_RIVALS]]


def _fewest(
    rows: Comparisons,
    pairs: PairFit,
    options: ScaleOptions,
    rival: _Rivalry,
    *,
    limit: int,
) -> NDArray[np.intp] | None:
    """Smallest prefix of the most influential rows after which the rival leads the leader."""
    order = _by_influence(rows, pairs, options, rival)
    key, weight = cell_keys(rows)[order], rows.weight[order]

    def flips(number: int) -> bool:
        left = _without(pairs.table, key[:number], weight[:number])
        fit = fit_pairs(left, options, rows.models, start=pairs.strength)
        same = fit.connectivity.component == pairs.connectivity.component
        lead = fit.strength[rival.leader] - fit.strength[rival.rival]
        return bool(same.all() and lead < 0)

    most = min(order.size, limit)
    low, high = 0, 1
    while high < most and not flips(high):
        low, high = high, 2 * high
    high = min(high, most)
    if high < 1 or not flips(high):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if flips(middle) else (middle, high)
    return order[:high]


def _by_influence(
    rows: Comparisons, pairs: PairFit, options: ScaleOptions, rival: _Rivalry
) -> NDArray[np.intp]:
    """Rows whose removal narrows the lead, the strongest first."""
    contrast = pairs.fit.bread[rival.leader] - pairs.fit.bread[rival.rival]
    scores = residual_scores(rows, pairs.strength, both_bad_is_tie=options.both_bad == "tie")
    (side_a, residual), _ = scores.entries
    effect = residual * (contrast[side_a] - contrast[rows.model_b])
    helpful = np.flatnonzero(effect > 0)
    return helpful[np.argsort(-effect[helpful], kind="stable")]


def _without(table: PairTable, key: NDArray[np.intp], weight: NDArray[np.float64]) -> PairTable:
    shape, size = table.weight.shape, table.weight.size
    left = np.maximum(table.weight - bin_sums(key, weight, size).reshape(shape), 0.0)
    count = table.count - np.bincount(key, minlength=size).reshape(shape)
    squared = table.squared - bin_sums(key, np.square(weight), size).reshape(shape)
    return PairTable(count, np.where(count > 0, left, 0.0), squared)
