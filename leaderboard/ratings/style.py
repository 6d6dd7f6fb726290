"""How an answer looks: counting it, and the published ways to compare two looks."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from leaderboard.ratings.comparisons import Comparisons, ComparisonsError

LENGTH: Final = "length"
MARKDOWN: Final = ("headers", "lists", "bold")
STYLE: Final = (LENGTH, *MARKDOWN)

_FENCED = re.compile(r"```[^`]*```", re.DOTALL)
_HEADER = re.compile(r"^#{1,6}\s", re.MULTILINE)
_LIST_ITEM = re.compile(r"^\s*(?:\d+\.|[-*+])\s", re.MULTILINE)
_BOLD = re.compile(r"\*\*[^*\n]+\*\*|__[^_\n]+__")
_TOKEN = re.compile(r"\w+|[^\w\s]")


def count_style(text: str, *, tokens: Callable[[str], int] | None = None) -> dict[str, float]:
    """Amounts of each of ``STYLE`` in one answer (join the turns with a blank line first).

    Fenced code is left out of the markdown counts, not of the length. ``tokens`` counts tokens;
    by default words and punctuation marks, which needs no tokeniser and ranks lengths alike.
    The published numbers used tiktoken (FastChat gpt-3.5-turbo's, arena-hard v2 gpt-4o's).
    """
    prose = _FENCED.sub("", text)
    return {
        LENGTH: float(tokens(text) if tokens else len(_TOKEN.findall(text))),
        "headers": float(len(_HEADER.findall(prose))),
        "lists": float(len(_LIST_ITEM.findall(prose))),
        "bold": float(len(_BOLD.findall(prose))),
    }


ConventionName = Literal["fastchat", "arena_rank", "arena_hard_v2"]


@dataclass(frozen=True, slots=True)
class StyleConvention:
    """One published way from raw amounts to covariates, and its penalty.

    ``difference``: what stands for "A has more of it than B", bounded by one in size.
    The penalty is ½·strength_penalty·Σθ² + ½·feature_penalty·Σβ² on the summed log-likelihood
    with θ and β in log-odds; ``per_row`` penalties grow with the total weight of the rows.
    ``balances_pairs``: rows of a pair weigh 1/max(battles of the pair, 50), scaled to mean one.
    """

    name: ConventionName
    difference: Callable[[Comparisons, str], NDArray[np.float64]]
    strength_penalty: float
    feature_penalty: float
    is_per_row: bool
    balances_pairs: bool


def _sides(rows: Comparisons, name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return rows.feature(f"{name}_a"), rows.feature(f"{name}_b")


def _plus_one(rows: Comparisons, name: str) -> NDArray[np.float64]:
    a, b = _sides(rows, name)
    gap, total = a - b, a + b
    total += 1
    gap /= total
    return gap


def _plain(rows: Comparisons, name: str) -> NDArray[np.float64]:
    a, b = _sides(rows, name)
    total = a + b
    return (a - b) / np.where(total == 0, 1, total)


def _density(rows: Comparisons, name: str) -> NDArray[np.float64]:
    if name == LENGTH or not rows.is_two_sided(LENGTH):
        return _plain(rows, name)
    a, b = _sides(rows, name)
    length_a, length_b = _sides(rows, LENGTH)
    dense_a, dense_b = a / (length_a + 1), b / (length_b + 1)
    return (dense_a - dense_b) / (dense_a + dense_b + 1)


CONVENTIONS: Final[dict[ConventionName, StyleConvention]] = {
    "fastchat": StyleConvention(
        # ¼‖params‖² with θ in powers of ten: sklearn's C = 1 on rows written twice.
        "fastchat",
        _plus_one,
        0.5 / np.log(10) ** 2,
        0.5,
        False,
        False,
    ),
    "arena_rank": StyleConvention("arena_rank", _plain, 0.0, 1.0, True, True),
    "arena_hard_v2": StyleConvention("arena_hard_v2", _density, 0.0, 0.0, False, False),
}


@dataclass(frozen=True, slots=True)
class Covariates:
    """``matrix``: float64[n, k], z-scored unless told otherwise. ``names``: k labels.

    ``constant``: names that do not vary over these battles, so have no effect to estimate.
    """

    matrix: NDArray[np.float64]
    names: tuple[str, ...]
    constant: tuple[str, ...]


def style_covariates(
    rows: Comparisons,
    features: tuple[str, ...],
    convention: StyleConvention,
    *,
    with_position: bool,
) -> Covariates:
    """Differences of ``features`` by ``convention``, z-scored over the battles.

    A feature measured on the battle (one column) is used as it is and z-scored. The position
    covariate is +1 where side A was shown first and -1 elsewhere, not z-scored: its coefficient
    is the advantage of being shown first, in log-odds.
    """
    names: list[str] = []
    constant: list[str] = []
    # one after the other into their place: columns of millions of rows are dear to come by
    matrix = np.empty((len(rows), len(features) + 1), order="F")
    for name in features:
        if not rows.has_feature(name):
            known = ", ".join(rows.feature_names) or "none"
            raise ComparisonsError(
                f"style control asks for {name!r} but the comparisons carry: {known}; measure it "
                f"as {name}_a and {name}_b, or leave it out of the features"
            )
        raw = convention.difference(rows, name) if rows.is_two_sided(name) else rows.feature(name)
        column = matrix[:, len(names)]
        largest = max(raw.max(initial=0.0), -raw.min(initial=0.0))
        np.subtract(raw, raw.mean() if len(rows) else 0.0, out=column)
        spread = math.sqrt(column @ column / max(len(rows), 1))
        if spread <= 1e-12 * largest:
            constant.append(name)
            continue
        column /= spread
        names.append(name)
    if with_position and len(rows):
        matrix[:, len(names)] = np.where(rows.first_shown_a, 1.0, -1.0)
        names.append("position")
    return Covariates(matrix[:, : len(names)], tuple(names), tuple(constant))
