"""Coercing and checking the columns of a data set, so that bad input is explained, not fitted."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

Array = NDArray[Any]  # the element type of a column is decided at run time by its declared dtype


def as_column(
    values: ArrayLike, dtype: DTypeLike, *, name: str, length: int, error: type[ValueError]
) -> Array:
    """``values`` as a contiguous read-only vector of ``dtype`` with ``length`` entries."""
    source = np.asarray(values)
    wanted = np.dtype(dtype)
    if source.shape != (length,):
        raise error(
            f"column {name!r} has shape {source.shape} but there are {length} rows; "
            "give one value per row"
        )
    if wanted.kind == "i" and source.dtype.kind == "f" and not np.all(np.mod(source, 1) == 0):
        row = int(np.flatnonzero(np.mod(source, 1) != 0)[0])
        raise error(f"column {name!r} holds {source[row]} in row {row}; use whole numbers")
    if wanted.kind == "i" and source.dtype.kind in "iuf" and source.dtype != wanted:
        _require_fits(source, wanted, name=name, error=error)
    column = np.ascontiguousarray(source, dtype=wanted)
    if column is values:
        column = column.view()
    column.flags.writeable = False
    return column


def _require_fits(
    source: Array, wanted: np.dtype[Any], *, name: str, error: type[ValueError]
) -> None:
    limits = np.iinfo(wanted)
    outside = np.flatnonzero((source < limits.min) | (source > limits.max))
    if outside.size:
        row = int(outside[0])
        raise error(
            f"column {name!r} holds {source[row]} in row {row}, outside what it can store "
            f"({limits.min} to {limits.max})"
        )


def require(
    is_good: NDArray[np.bool_], column: Array, *, name: str, remedy: str, error: type[ValueError]
) -> None:
    """Raise ``error`` naming the first offending row, how many there are, and the remedy."""
    if is_good.all():
        return
    bad = np.flatnonzero(~is_good)
    row = int(bad[0])
    raise error(
        f"column {name!r} holds {column[row]!s} in row {row} "
        f"({bad.size} such rows of {column.shape[0]}); {remedy}"
    )


def require_names(names: Sequence[str], *, kind: str, error: type[ValueError]) -> tuple[str, ...]:
    """``names`` as a tuple of distinct, non-empty strings."""
    checked = tuple(names)
    if any(not isinstance(name, str) or not name.strip() for name in checked):
        raise error(f"a {kind} name is empty or not text; name every {kind}")
    seen: set[str] = set()
    for name in checked:
        if name in seen:
            raise error(f"{kind} {name!r} is listed twice; list each {kind} once")
        seen.add(name)
    return checked
