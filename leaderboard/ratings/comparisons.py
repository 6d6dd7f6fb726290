"""Battles as columns: the one input type of every pairwise rating method."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from enum import IntEnum
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from leaderboard.ratings.columns import Array, as_column, require, require_names
from leaderboard.ratings.errors import RatingError

UNKNOWN: Final = -1
"""Cluster, voter or judge id of a row that does not know its own."""

WEAK: Final = 1
STRONG: Final = 3
"""Verdict strengths; the strong one is also arena-hard's weight for ``A>>B``."""


class Outcome(IntEnum):
    """What was decided. Other spellings belong to the importing dialects."""

    MODEL_A = 0
    MODEL_B = 1
    TIE = 2
    BOTH_BAD = 3


MODEL_A: Final = Outcome.MODEL_A
MODEL_B: Final = Outcome.MODEL_B
TIE: Final = Outcome.TIE
BOTH_BAD: Final = Outcome.BOTH_BAD


class ComparisonsError(RatingError):
    """A column of comparisons holds something that has no defined meaning."""


_FILLED_LATER: Any = None  # Any: stands for a column of any dtype until __post_init__ fills it

_DTYPES: Final[dict[str, type[np.generic]]] = {
    "model_a": np.int32,
    "model_b": np.int32,
    "outcome": np.int8,
    "weight": np.float64,
    "strength": np.int8,
    "question": np.int32,
    "voter": np.int32,
    "source": np.int8,
    "first_shown_a": np.bool_,
    "judge": np.int32,
    "preference": np.float64,
}
_DEFAULTS: Final[dict[str, float]] = {
    "weight": 1.0,
    "strength": WEAK,
    "question": UNKNOWN,
    "voter": UNKNOWN,
    "source": 0,
    "first_shown_a": True,
    "judge": UNKNOWN,
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Comparisons:
    """n battles between named models, in the order they happened.

    ``models``: the names; every index below points into it. A model may have no battle.
    ``model_a``, ``model_b``: int32[n], the two sides; they differ in every row.
    ``outcome``: int8[n], codes of ``Outcome``.
    ``weight``: float64[n] ≥ 0, default 1. A row of weight 2 counts as two identical votes.
    ``strength``: int8[n], 1 for a plain verdict, 3 for a strong one (``A>>B``). Default 1.
    ``question``, ``voter``: int32[n] cluster ids; rows sharing one are not independent. -1 when
    unknown: such a row is its own cluster.
    ``features``: float64[n, k] with ``feature_names``. A feature measured on both answers fills
    two columns named ``<name>_a`` and ``<name>_b`` (raw amounts; the method applies its named
    convention). Any other column is a covariate of the battle in favour of side A, used as it is.
    ``source``: int8[n], the caller's code for where the row came from (person, judge, import).
    ``first_shown_a``: bool[n], whether side A was shown first (left, or first in the prompt).
    ``judge``: int32[n], which judge decided; -1 for a person.
    ``question_names``: what ``question`` points into, each ``set/external id``; empty where nobody
    needs them.
    ``preference``: optional float64[n] in [0, 1], the probability that A is better, for judges
    that answer with a probability; only methods that say so read it. NaN where unparsed.

    Raises ComparisonsError naming the column, the first bad row and the remedy.
    """

    models: tuple[str, ...]
    model_a: NDArray[np.int32]
    model_b: NDArray[np.int32]
    outcome: NDArray[np.int8]
    weight: NDArray[np.float64] = _FILLED_LATER
    strength: NDArray[np.int8] = _FILLED_LATER
    question: NDArray[np.int32] = _FILLED_LATER
    question_names: tuple[str, ...] = ()
    voter: NDArray[np.int32] = _FILLED_LATER
    features: NDArray[np.float64] = _FILLED_LATER
    feature_names: tuple[str, ...] = ()
    source: NDArray[np.int8] = _FILLED_LATER
    first_shown_a: NDArray[np.bool_] = _FILLED_LATER
    judge: NDArray[np.int32] = _FILLED_LATER
    preference: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "models", require_names(self.models, kind="model", error=ComparisonsError))
        n = int(np.asarray(self.model_a).size)
        for name, dtype in _DTYPES.items():
            values = getattr(self, name)
            if values is None:
                if name not in _DEFAULTS:
                    continue
                values = np.broadcast_to(np.asarray(_DEFAULTS[name], dtype=dtype), (n,))
            put(self, name, as_column(values, dtype, name=name, length=n, error=ComparisonsError))
        put(self, "features", _as_features(self.features, self.feature_names, n))
        _require_sides(self)
        _require_verdicts(self)
        _require_named_questions(self)

    def __len__(self) -> int:
        return int(self.model_a.shape[0])

    @property
    def n_models(self) -> int:
        """Number of models, with or without battles."""
        return len(self.models)

    @classmethod
    def from_names(
        cls,
        model_a: Sequence[str],
        model_b: Sequence[str],
        outcome: Sequence[str] | ArrayLike,
        *,
        models: Sequence[str] | None = None,
        **columns: ArrayLike,
    ) -> "Comparisons":
        """Build from names; ``outcome`` is codes, or names such as ``model_a`` and ``both_bad``.

        ``models`` fixes the order (and may list models without battles); by default the names
        are sorted. Further columns are passed on by name.
        """
        names = tuple(models) if models is not None else tuple(sorted({*model_a, *model_b}))
        index = {name: position for position, name in enumerate(names)}
        sides = [_indices(side, index, name) for side, name in ((model_a, "a"), (model_b, "b"))]
        return cls(
            models=names,
            model_a=sides[0],
            model_b=sides[1],
            outcome=_outcome_codes(outcome),
            **columns,  # type: ignore[arg-type]  # coerced and checked in __post_init__
        )

    def select(self, rows: NDArray[np.bool_] | NDArray[np.intp]) -> "Comparisons":
        """The given rows (a mask, or positions with repeats), same models and features."""
        chosen = {
            item.name: getattr(self, item.name)[rows]
            for item in fields(self)
            if isinstance(getattr(self, item.name), np.ndarray)
        }
        return replace(self, **chosen)

    def replace(self, **columns: ArrayLike) -> "Comparisons":
        """The same battles with some columns changed, checked again."""
        changed: Any = columns  # Any: each column is coerced to its own dtype in __post_init__
        return replace(self, **changed)

    def has_feature(self, name: str) -> bool:
        """Whether ``name`` was measured: on both answers, or on the battle."""
        return name in self.feature_names or {f"{name}_a", f"{name}_b"} <= set(self.feature_names)

    def is_two_sided(self, name: str) -> bool:
        """Whether feature ``name`` has a raw amount for each answer."""
        return {f"{name}_a", f"{name}_b"} <= set(self.feature_names)

    def feature(self, name: str) -> NDArray[np.float64]:
        """Column ``name`` of the features, float64[n]."""
        if name not in self.feature_names:
            known = ", ".join(self.feature_names) or "none"
            raise ComparisonsError(
                f"there is no feature column {name!r}; the comparisons carry: {known}"
            )
        column: NDArray[np.float64] = self.features[:, self.feature_names.index(name)]
        return column


def _as_features(features: Array | None, names: Sequence[str], n: int) -> NDArray[np.float64]:
    checked = require_names(names, kind="feature", error=ComparisonsError)
    if features is None:
        features = np.empty((n, 0))
    matrix = np.asfortranarray(features, dtype=np.float64)
    if matrix.shape != (n, len(checked)):
        raise ComparisonsError(
            f"features have shape {matrix.shape} but there are {n} rows and {len(checked)} "
            "feature names; give one row per battle and one column per name"
        )
    for position, name in enumerate(checked):
        require(
            np.isfinite(matrix[:, position]),
            matrix[:, position],
            name=name,
            remedy="measure the feature on every battle or leave those battles out",
            error=ComparisonsError,
        )
    return matrix


def _require_sides(rows: Comparisons) -> None:
    n_models = rows.n_models
    for name in ("model_a", "model_b"):
        side = getattr(rows, name)
        require(
            (side >= 0) & (side < n_models),
            side,
            name=name,
            remedy=f"an index points into the {n_models} models, counted from 0",
            error=ComparisonsError,
        )
    require(
        rows.model_a != rows.model_b,
        rows.model_a,
        name="model_a",
        remedy="a model cannot battle itself; remove those rows",
        error=ComparisonsError,
    )


def _require_verdicts(rows: Comparisons) -> None:
    require(
        (rows.outcome >= Outcome.MODEL_A) & (rows.outcome <= Outcome.BOTH_BAD),
        rows.outcome,
        name="outcome",
        remedy="an outcome is 0 model_a, 1 model_b, 2 tie or 3 both_bad; "
        "leave undecided battles out and count them as excluded",
        error=ComparisonsError,
    )
    require(
        np.isfinite(rows.weight) & (rows.weight >= 0),
        rows.weight,
        name="weight",
        remedy="a weight is a finite number of at least 0",
        error=ComparisonsError,
    )
    require(
        (rows.strength == WEAK) | (rows.strength == STRONG),
        rows.strength,
        name="strength",
        remedy="a verdict has strength 1 (plain) or 3 (strong)",
        error=ComparisonsError,
    )
    if rows.preference is not None:
        require(
            np.isnan(rows.preference) | ((rows.preference >= 0) & (rows.preference <= 1)),
            rows.preference,
            name="preference",
            remedy="a preference is the probability from 0 to 1 that side A is better",
            error=ComparisonsError,
        )


def _require_named_questions(rows: Comparisons) -> None:
    if rows.question_names:
        require(
            (rows.question >= UNKNOWN) & (rows.question < len(rows.question_names)),
            rows.question,
            name="question",
            remedy=f"an index points into the {len(rows.question_names)} question names, or is -1",
            error=ComparisonsError,
        )


def _indices(names: Sequence[str], index: dict[str, int], side: str) -> NDArray[np.int32]:
    try:
        return np.fromiter((index[name] for name in names), dtype=np.int32, count=len(names))
    except KeyError as missing:
        raise ComparisonsError(
            f"model_{side} names {missing.args[0]!r}, which is not among the models; add it to them"
        ) from None


def _outcome_codes(outcome: Sequence[str] | ArrayLike) -> Array:
    values = np.asarray(outcome)
    if values.dtype.kind not in "UO":
        return values
    known = {member.name.lower(): int(member) for member in Outcome}
    codes = np.fromiter((known.get(str(value), -1) for value in values), dtype=np.int8)
    unknown = np.flatnonzero(codes < 0)
    if unknown.size:
        row = int(unknown[0])
        raise ComparisonsError(
            f"outcome {str(values[row])!r} in row {row} is unknown ({unknown.size} such rows); "
            f"use one of {', '.join(known)}, or leave undecided battles out"
        )
    return codes
