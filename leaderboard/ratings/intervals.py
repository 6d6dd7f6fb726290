"""Covariances and interval ends shared by the methods."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.special import ndtri, stdtrit

from leaderboard.ratings.clusters import ClusterPlan, Grouping


@dataclass(frozen=True, slots=True)
class Reach:
    """How many standard errors an interval extends, at ``level``, with clusters less one."""

    level: float
    freedom: int

    @property
    def multiple(self) -> float:
        """Student's t with clusters - 1 degrees of freedom (Cameron & Miller 2015, VI.D)."""
        quantile = 0.5 + self.level / 2
        if self.freedom < 1:
            return float("inf")
        return float(stdtrit(self.freedom, quantile) if self.freedom < 10_000 else ndtri(quantile))

    def ends(
        self, rating: NDArray[np.float64], covariance: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Lower and upper ends, float64[m] each."""
        error = np.sqrt(np.clip(np.diag(covariance), 0, None))
        with np.errstate(invalid="ignore"):
            half = self.multiple * error
        return rating - half, rating + half


def sandwich(bread: NDArray[np.float64], meat: NDArray[np.float64]) -> NDArray[np.float64]:
    """``bread · meat · bread``, symmetrised (Huber 1967; White 1982)."""
    covariance = bread @ meat @ bread
    half: NDArray[np.float64] = (covariance + covariance.T) / 2
    return half


def draw_cluster_weights(
    n_clusters: int, rounds: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """float64[rounds, G], how often each cluster is drawn when G are drawn with replacement."""
    drawn = rng.integers(0, n_clusters, size=(rounds, n_clusters))
    drawn += n_clusters * np.arange(rounds)[:, None]
    counts = np.bincount(drawn.ravel(), minlength=rounds * n_clusters)
    return counts.reshape(rounds, n_clusters).astype(np.float64)


def resampled_cells(
    cell: NDArray[np.intp],
    value: NDArray[np.float64],
    group: Grouping,
    *,
    n_cells: int,
    weights: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Cell sums of each bootstrap round, float64[rounds, n_cells].

    ``cell``: intp[n], where a row adds its ``value``; ``weights``: float64[rounds, G], the
    multiplicity of each row's cluster. One sparse product for all rounds instead of one pass
    over the rows per round.
    """
    table = csr_array(
        (value, (cell.astype(np.int32), group.label.astype(np.int32))),
        shape=(n_cells, group.n_clusters),
    )
    return np.asarray(table @ weights.T, dtype=np.float64).T


def describe_plan(plan: ClusterPlan) -> dict[str, Any]:
    """What the intervals allow for, json-able."""
    return {"clustering": plan.kind, "clusters": dict(plan.n_clusters)}
