"""What every rating method returns."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from leaderboard.ratings.comparisons import Comparisons, Outcome
from leaderboard.ratings.options import MethodOptions
from leaderboard.ratings.ranks import rank_bounds

Unit = Literal["points", "percent", "score"]


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """Battles per model, unweighted, int64[m] each. A scored answer counts as one battle."""

    battles: NDArray[np.int64]
    wins: NDArray[np.int64]
    losses: NDArray[np.int64]
    ties: NDArray[np.int64]
    both_bad: NDArray[np.int64]

    @classmethod
    def of(cls, comparisons: Comparisons) -> "Counts":
        """Count rows, whatever their weight."""
        m = comparisons.n_models
        key = comparisons.model_a.astype(np.intp) * 4 + comparisons.outcome
        as_a = np.bincount(key, minlength=4 * m).reshape(m, 4)
        key = comparisons.model_b.astype(np.intp) * 4 + comparisons.outcome
        as_b = np.bincount(key, minlength=4 * m).reshape(m, 4)
        return cls.from_sides(as_a, as_b)

    @classmethod
    def from_sides(cls, as_a: NDArray[np.int64], as_b: NDArray[np.int64]) -> "Counts":
        """From outcome counts int64[m, 4] of each model on side A and on side B."""
        a, b = Outcome.MODEL_A, Outcome.MODEL_B
        both = as_a + as_b
        return cls(
            battles=both.sum(axis=1),
            wins=as_a[:, a] + as_b[:, b],
            losses=as_a[:, b] + as_b[:, a],
            ties=both[:, Outcome.TIE],
            both_bad=both[:, Outcome.BOTH_BAD],
        )


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Ratings:
    """m models with a number each, its uncertainty and what it was made from.

    ``rating``: float64[m] in ``unit``; NaN for a model that cannot be rated (no battle).
    ``lower``, ``upper``: float64[m], marginal interval at ``level`` (default 0.95); NaN where the
    method offers none.
    ``covariance``: float64[m, m] of the ratings, in squared units. Pairwise methods centre each
    connected group, so a variance is that of "rating minus the group's mean"; differences within
    a group are what the data speak about. NaN where the method offers none.
    ``component``: int64[m]; models of different components never met, directly or through others,
    and must not be ordered. -1 for a model without a battle.
    ``rank_lower``, ``rank_upper``: int64[m], best and worst plausible rank within the component
    (``rank_lower`` is LMArena's rank upper bound); 0 for an unrated model.
    ``provisional``: bool[m], too few battles to be taken at face value.
    ``diagnostics``: json-able facts about the fit: exclusions, convergence, clusters, priors.
    ``options``, ``seed``: what was asked for; with the same data they give the same numbers.
    """

    method: str
    models: tuple[str, ...]
    rating: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    covariance: NDArray[np.float64]
    rank_lower: NDArray[np.int64]
    rank_upper: NDArray[np.int64]
    component: NDArray[np.int64]
    provisional: NDArray[np.bool_]
    counts: Counts
    unit: Unit = "points"
    level: float = 0.95
    diagnostics: dict[str, Any] = field(default_factory=dict)  # Any: nested JSON
    options: Mapping[str, Any] = field(default_factory=dict)  # Any: nested JSON
    seed: int = 0

    def position(self, model: str) -> int:
        """Index of ``model``; raises KeyError when it is not rated here."""
        try:
            return self.models.index(model)
        except ValueError:
            raise KeyError(f"model {model!r} is not among the {len(self.models)} rated") from None

    def of(self, model: str) -> float:
        """Rating of ``model``."""
        return float(self.rating[self.position(model)])

    @property
    def standard_error(self) -> NDArray[np.float64]:
        """float64[m], square root of the covariance's diagonal."""
        return np.sqrt(np.clip(np.diag(self.covariance), 0, None))

    @property
    def order(self) -> NDArray[np.intp]:
        """Indices from the highest rating to the lowest, unrated models last, ties by name."""
        keyed = np.where(np.isnan(self.rating), -np.inf, self.rating)
        names = np.argsort(np.argsort(np.asarray(self.models, dtype=str)))
        return np.lexsort((names, -keyed))

    def to_rows(self) -> list[dict[str, Any]]:
        """One json-able mapping per model, best first; a missing number is None."""
        error = self.standard_error
        return [
            {
                "model": self.models[i],
                "rating": json_number(self.rating[i]),
                "rating_lower": json_number(self.lower[i]),
                "rating_upper": json_number(self.upper[i]),
                "standard_error": json_number(error[i]),
                "rank_lower": int(self.rank_lower[i]),
                "rank_upper": int(self.rank_upper[i]),
                "component": int(self.component[i]),
                "provisional": bool(self.provisional[i]),
                "battles": int(self.counts.battles[i]),
                "wins": int(self.counts.wins[i]),
                "losses": int(self.counts.losses[i]),
                "ties": int(self.counts.ties[i]),
                "both_bad": int(self.counts.both_bad[i]),
            }
            for i in (int(position) for position in self.order)
        ]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Estimate:
    """A method's numbers before ranks: rating, interval ends and covariance, as in ``Ratings``."""

    rating: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    covariance: NDArray[np.float64]
    component: NDArray[np.int64]


def json_number(value: float) -> float | None:
    """``value`` for JSON, which knows neither NaN nor infinity."""
    return float(value) if math.isfinite(value) else None


def ranked(
    estimate: Estimate,
    options: MethodOptions,
    *,
    method: str,
    models: tuple[str, ...],
    counts: Counts,
    unit: Unit,
    diagnostics: dict[str, Any],
    seed: int,
) -> Ratings:
    """Put ranks and the provisional mark on an estimate."""
    rank_lower, rank_upper = rank_bounds(
        estimate.lower,
        estimate.upper,
        component=estimate.component,
        is_rated=~np.isnan(estimate.rating),
    )
    return Ratings(
        method=method,
        models=models,
        rating=estimate.rating,
        lower=estimate.lower,
        upper=estimate.upper,
        covariance=estimate.covariance,
        component=estimate.component,
        rank_lower=rank_lower,
        rank_upper=rank_upper,
        provisional=counts.battles < options.provisional_below,
        counts=counts,
        unit=unit,
        level=options.level,
        diagnostics=diagnostics,
        options=options.model_dump(mode="json"),
        seed=seed,
    )
