"""A live Bradley–Terry board: one more vote costs milliseconds, however many came before."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leaderboard.ratings.cells import Connectivity, HalfWins, PairTable
from leaderboard.ratings.comparisons import Comparisons, ComparisonsError, Outcome
from leaderboard.ratings.newton import fit_strengths
from leaderboard.ratings.options import ScaleOptions
from leaderboard.ratings.ratings import Counts
from leaderboard.ratings.scale import points_per_nat, to_points
from leaderboard.ratings.strengths import phantom_games


@dataclass(frozen=True, slots=True)
class LiveRatings:
    """Ratings right now, without intervals: those need the clusters and come with a snapshot.

    ``rating``: float64[m] points, NaN without a battle. ``component``: int64[m], as in
    ``Ratings``. ``steps``: Newton steps the refit took.
    """

    models: tuple[str, ...]
    rating: NDArray[np.float64]
    component: NDArray[np.int64]
    counts: Counts
    steps: int


class LiveBradleyTerry:
    """Pair totals that are sufficient for Bradley–Terry, and the last optimum to start from.

    Adding or removing a battle is O(1); ``ratings`` refits to the same maximum as
    ``bradley_terry`` (both stop at a gradient of rounding size) in time that depends on the
    number of models alone. Store ``totals`` to carry on after a restart.
    """

    def __init__(self, models: tuple[str, ...], options: ScaleOptions | None = None) -> None:
        self.models = models
        self.options = options or ScaleOptions()
        self._table = PairTable.empty(len(models))
        self._strength: NDArray[np.float64] | None = None

    @classmethod
    def of(cls, rows: Comparisons, options: ScaleOptions | None = None) -> "LiveBradleyTerry":
        """Start from all battles so far."""
        live = cls(rows.models, options)
        live._table = PairTable.of(rows)
        return live

    @classmethod
    def from_totals(
        cls,
        models: tuple[str, ...],
        totals: NDArray[np.float64],
        options: ScaleOptions | None = None,
    ) -> "LiveBradleyTerry":
        """Carry on from stored ``totals``, float64[3, m, m, 4]."""
        live = cls(models, options)
        expected = (3, *live._table.count.shape)
        if totals.shape != expected:
            raise ComparisonsError(
                f"stored totals have shape {totals.shape} but {len(models)} models need "
                f"{expected}; rebuild them from the battles"
            )
        live._table = PairTable(totals[0].astype(np.int64), totals[1].copy(), totals[2].copy())
        return live

    @property
    def totals(self) -> NDArray[np.float64]:
        """float64[3, m, m, 4]: number, weight and squared weight by (side A, side B, outcome)."""
        table = self._table
        return np.stack([table.count.astype(np.float64), table.weight, table.squared])

    @property
    def counts(self) -> NDArray[np.int64]:
        """int64[m, m, 4], number of battles by (side A, side B, outcome)."""
        return self._table.count

    def add(
        self, model_a: str, model_b: str, outcome: Outcome | int, *, weight: float = 1.0
    ) -> None:
        """Count one more battle."""
        self._change(model_a, model_b, outcome, weight, sign=1)

    def remove(
        self, model_a: str, model_b: str, outcome: Outcome | int, *, weight: float = 1.0
    ) -> None:
        """Take back a battle, for a vote that was excluded afterwards."""
        self._change(model_a, model_b, outcome, weight, sign=-1)

    def start_from(self, ratings: Mapping[str, float]) -> None:
        """Begin the next refit at ratings of an earlier one, which saves most of its steps."""
        unit = points_per_nat(self.options.scale)
        points = np.array([ratings.get(name, np.nan) for name in self.models], dtype=np.float64)
        known = ~np.isnan(points)
        if known.any():
            self._strength = np.where(known, (points - points[known].mean()) / unit, 0.0)

    def add_model(self, model: str) -> None:
        """Make room for a model that joins the board."""
        m = len(self.models)
        grown = PairTable.empty(m + 1)
        for name in ("count", "weight", "squared"):
            getattr(grown, name)[:m, :m] = getattr(self._table, name)
        self.models, self._table = (*self.models, model), grown
        if self._strength is not None:
            self._strength = np.append(self._strength, 0.0)

    def ratings(self) -> LiveRatings:
        """Refit from the last optimum."""
        halves = HalfWins.of(self._table.weight, both_bad_is_tie=self.options.both_bad == "tie")
        connectivity = Connectivity.of(halves)
        fit = fit_strengths(
            halves,
            connectivity,
            phantom_games=phantom_games(connectivity, self.options, self.models),
            start=self._strength,
            with_bread=False,
        )
        self._strength = fit.strength
        estimate = to_points(
            fit.strength,
            np.zeros_like(fit.bread),
            connectivity.component,
            models=self.models,
            options=self.options,
            freedom=1,
        )
        counts = self._table.counts()
        return LiveRatings(self.models, estimate.rating, connectivity.component, counts, fit.steps)

    def _change(
        self, model_a: str, model_b: str, outcome: Outcome | int, weight: float, *, sign: int
    ) -> None:
        row = Comparisons.from_names(
            [model_a], [model_b], np.array([int(outcome)]), models=self.models, weight=[weight]
        )
        cell = (int(row.model_a[0]), int(row.model_b[0]), int(row.outcome[0]))
        if sign < 0 and self._table.count[cell] < 1:
            raise ComparisonsError(
                f"no battle of {model_a!r} against {model_b!r} with outcome {int(outcome)} is "
                "counted, so none can be removed; rebuild the totals from the battles"
            )
        self._table.count[cell] += sign
        self._table.weight[cell] += sign * weight
        self._table.squared[cell] += sign * weight**2
