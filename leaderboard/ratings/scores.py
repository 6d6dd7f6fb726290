"""Single-answer scores as columns: the input of methods that need no opponent."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from leaderboard.ratings.columns import as_column, require, require_names
from leaderboard.ratings.errors import RatingError


class ScoresError(RatingError):
    """A column of scores holds something that has no defined meaning."""


_FILLED_LATER: Any = None  # Any: stands for a column of any dtype until __post_init__ fills it

_DTYPES: Final[dict[str, type[np.generic]]] = {
    "model": np.int32,
    "question": np.int32,
    "turn": np.int8,
    "category": np.int32,
    "score": np.float64,
    "weight": np.float64,
    "judge": np.int32,
}
_DEFAULTS: Final[dict[str, float]] = {
    "question": -1,
    "turn": 1,
    "category": -1,
    "weight": 1.0,
    "judge": -1,
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scores:
    """n scored answers.

    ``model``: int32[n] into ``models``. ``question``: int32[n] cluster id, -1 unknown.
    ``turn``: int8[n] from 1. ``category``: int32[n] into ``categories``, -1 for none.
    ``score``: float64[n] on the judge's own scale; NaN where the judge gave none (such a row is
    counted as excluded, never as zero). ``weight``: float64[n] ≥ 0.
    ``judge``: int32[n], -1 unknown.
    """

    models: tuple[str, ...]
    model: NDArray[np.int32]
    score: NDArray[np.float64]
    question: NDArray[np.int32] = _FILLED_LATER
    turn: NDArray[np.int8] = _FILLED_LATER
    category: NDArray[np.int32] = _FILLED_LATER
    categories: tuple[str, ...] = ()
    weight: NDArray[np.float64] = _FILLED_LATER
    judge: NDArray[np.int32] = _FILLED_LATER

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "models", require_names(self.models, kind="model", error=ScoresError))
        put(self, "categories", require_names(self.categories, kind="category", error=ScoresError))
        n = int(np.asarray(self.model).size)
        for name, dtype in _DTYPES.items():
            values = getattr(self, name)
            if values is None:
                values = np.broadcast_to(np.asarray(_DEFAULTS[name], dtype=dtype), (n,))
            put(self, name, as_column(values, dtype, name=name, length=n, error=ScoresError))
        _require_meaning(self)

    def __len__(self) -> int:
        return int(self.model.shape[0])

    @classmethod
    def from_names(
        cls,
        model: Sequence[str],
        score: ArrayLike,
        *,
        category: Sequence[str] | None = None,
        **columns: ArrayLike,
    ) -> "Scores":
        """Build from model and category names; further columns are passed on by name."""
        models = tuple(sorted(set(model)))
        categories = tuple(sorted(set(category))) if category is not None else ()
        return cls(
            models=models,
            model=np.searchsorted(models, list(model)).astype(np.int32),
            score=np.asarray(score, dtype=np.float64),
            categories=categories,
            category=None  # type: ignore[arg-type]  # filled in __post_init__
            if category is None
            else np.searchsorted(categories, list(category)).astype(np.int32),
            **columns,  # type: ignore[arg-type]  # coerced and checked in __post_init__
        )

    def select(self, rows: NDArray[np.bool_] | NDArray[np.intp]) -> "Scores":
        """The given rows (a mask, or positions with repeats), same models and categories."""
        chosen = {
            item.name: getattr(self, item.name)[rows]
            for item in fields(self)
            if isinstance(getattr(self, item.name), np.ndarray)
        }
        return replace(self, **chosen)


def _require_meaning(rows: Scores) -> None:
    require(
        (rows.model >= 0) & (rows.model < len(rows.models)),
        rows.model,
        name="model",
        remedy=f"an index points into the {len(rows.models)} models, counted from 0",
        error=ScoresError,
    )
    require(
        (rows.category >= -1) & (rows.category < len(rows.categories)),
        rows.category,
        name="category",
        remedy=f"an index points into the {len(rows.categories)} categories, or is -1 for none",
        error=ScoresError,
    )
    require(rows.turn >= 1, rows.turn, name="turn", remedy="turns count from 1", error=ScoresError)
    require(
        ~np.isinf(rows.score),
        rows.score,
        name="score",
        remedy="a score is finite, or NaN where the judge gave none",
        error=ScoresError,
    )
    require(
        np.isfinite(rows.weight) & (rows.weight >= 0),
        rows.weight,
        name="weight",
        remedy="a weight is a finite number of at least 0",
        error=ScoresError,
    )
