"""Which rows may lean on each other: one-way and two-way clusterings of the data."""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from leaderboard.ratings.comparisons import Comparisons
from leaderboard.ratings.errors import RatingError

Clustering = Literal["auto", "question", "voter", "both", "none"]

FEWEST_CLUSTERS: Final = 10
"""``auto`` leaves out a clustering with fewer clusters while the other has at least this many:
with a handful of clusters the sandwich is far too narrow (Cameron & Miller 2015, section VI)."""


class ClusterError(RatingError):
    """The data do not carry the cluster ids that were asked for."""


@dataclass(frozen=True, slots=True)
class Grouping:
    """One way to cut n rows into clusters: ``label`` intp[n] in 0…n_clusters-1."""

    label: NDArray[np.intp]
    n_clusters: int


@dataclass(frozen=True, slots=True)
class ClusterPlan:
    """Signed groupings whose meats add up: one for one-way, three for two-way clustering.

    Two-way: questions plus voters minus their intersection (Cameron, Gelbach & Miller 2011,
    equation 2.8).
    """

    kind: str
    terms: tuple[tuple[int, Grouping], ...]
    n_clusters: dict[str, int]

    @property
    def fewest(self) -> int:
        """Number of clusters of the coarsest grouping, the one that limits what is known."""
        return min(self.n_clusters.values())


def group_rows(ids: NDArray[np.int32]) -> Grouping:
    """Compact cluster ids; every row with a negative id becomes a cluster of its own."""
    n = ids.shape[0]
    label = ids.astype(np.intp)
    low, high = (int(ids.min()), int(ids.max())) if n else (0, -1)
    if high + 1 > 4 * n + 1000:
        _, label = np.unique(ids, return_inverse=True)
        label = label.astype(np.intp)
        label[ids < 0] = -1
        high = int(label.max(initial=-1))
    if low >= 0:
        used = np.bincount(label, minlength=high + 1) > 0
        if used.all():
            return Grouping(label, high + 1)
        place = np.cumsum(used) - 1
        return Grouping(place[label], int(place[-1]) + 1 if place.size else 0)
    unknown = np.flatnonzero(ids < 0)
    label[unknown] = high + 1 + np.arange(unknown.size)
    return group_rows_of_labels(label)


def group_rows_of_labels(label: NDArray[np.intp]) -> Grouping:
    """Compact non-negative labels so that each of 0…n_clusters-1 is used."""
    used = np.bincount(label) > 0
    place = np.cumsum(used) - 1
    return Grouping(place[label], int(place[-1]) + 1 if place.size else 0)


def intersect(first: Grouping, second: Grouping) -> Grouping:
    """Rows stay together only if both groupings keep them together."""
    key = first.label * second.n_clusters + second.label
    ordered, order = _sorted_with_order(key, first.n_clusters * second.n_clusters)
    starts = np.empty(key.size, dtype=np.intp)
    starts[:1] = 0
    np.cumsum(ordered[1:] != ordered[:-1], out=starts[1:])
    label = np.empty(key.size, dtype=np.intp)
    label[order] = starts
    return Grouping(label, int(starts[-1]) + 1 if key.size else 0)


def _sorted_with_order(
    key: NDArray[np.intp], limit: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """``key``, all below ``limit``, in ascending order, and the place of each before that.

    Numbers sort several times faster than their places, so the place rides in the lower bits.
    """
    bits = int(key.size).bit_length()
    if limit.bit_length() + bits > 63:
        order = np.argsort(key, kind="stable")
        return key[order], order
    packed = np.sort((key << bits) | np.arange(key.size))
    return packed >> bits, packed & ((1 << bits) - 1)


def plan_clusters(rows: Comparisons, clustering: Clustering = "auto") -> ClusterPlan:
    """Resolve the option ``clustering`` against the ids that ``rows`` carry.

    ``auto`` uses question and voter as far as they are known; see ``FEWEST_CLUSTERS``.
    Raises ClusterError when a clustering is asked for by name and no row carries its id.
    """
    return plan_ids({"question": rows.question, "voter": rows.voter}, len(rows), clustering)


def plan_ids(ids: dict[str, NDArray[np.int32]], n: int, clustering: Clustering) -> ClusterPlan:
    """``plan_clusters`` on bare id columns, int32[n] each, for data that are no comparisons."""
    known = {
        name: group_rows(column)
        for name, column in ids.items()
        if clustering in ("auto", "both", name) and column.max(initial=-1) >= 0
    }
    wanted = {"question": ["question"], "voter": ["voter"], "both": ["question", "voter"]}
    for name in wanted.get(clustering, []):
        if name not in known and n:
            raise ClusterError(
                f"clustering by {name} was asked for but no row carries a {name} id; "
                "choose another clustering or 'auto'"
            )
    if clustering == "auto":
        known = _reliable(known)
    return _combine(known, n)


def _reliable(known: dict[str, Grouping]) -> dict[str, Grouping]:
    enough = {name: group for name, group in known.items() if group.n_clusters >= FEWEST_CLUSTERS}
    if enough:
        return enough
    several = {name: group for name, group in known.items() if group.n_clusters >= 2}
    best = sorted(several, key=lambda name: -several[name].n_clusters)[:1]
    return {name: several[name] for name in best}


def _combine(known: dict[str, Grouping], n: int) -> ClusterPlan:
    sizes = {name: group.n_clusters for name, group in known.items()}
    if not known:
        rows = Grouping(np.arange(n, dtype=np.intp), n)
        return ClusterPlan("none", ((1, rows),), {"row": n})
    if len(known) == 1:
        ((name, group),) = known.items()
        return ClusterPlan(name, ((1, group),), sizes)
    first, second = known.values()
    terms = ((1, first), (1, second), (-1, intersect(first, second)))
    return ClusterPlan("both", terms, sizes)
