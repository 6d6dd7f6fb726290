"""Metrics of SuperGLUE's diagnostics (A. Wang et al., 2019), each with its standard error.

lm-eval has Matthews' correlation too; its error takes a hundred thousand resamples of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

RESAMPLES = 10_000
SEED = 1234


class Matthews:
    """Matthews' correlation of two classes, from pairs of gold and given; 0 where it has none."""

    def __call__(self, items: Iterable[tuple[int, int]]) -> float:
        return float(_correlations(_table(items)[np.newaxis])[0])

    def error(self, items: Iterable[tuple[int, int]]) -> float:
        """Bootstrap over items: resampled tables of the four outcomes are multinomial."""
        table = _table(items)
        rng = np.random.default_rng(SEED)
        drawn = rng.multinomial(table.sum(), table / table.sum(), size=RESAMPLES)
        return float(_correlations(drawn).std(ddof=1))


def _table(items: Iterable[tuple[int, int]]) -> npt.NDArray[np.int64]:
    """Counts [4] of (gold, given): both 0, 0 and 1, 1 and 0, both 1."""
    return np.bincount([2 * gold + given for gold, given in items], minlength=4)


def _correlations(tables: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Of tables [n, 4]."""
    tn, fp, fn, tp = tables.T.astype(float)
    below = np.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))
    found: npt.NDArray[np.float64] = np.zeros_like(below)
    np.divide(tp * tn - fp * fn, below, out=found, where=below > 0)
    return found


class Parity:
    """The share of minimal pairs whose two answers are the same; NaN without a whole pair."""

    def __call__(self, items: Iterable[tuple[int, int]]) -> float:
        alike = _alike(items)
        return float(np.mean(alike)) if alike else float("nan")

    def error(self, items: Iterable[tuple[int, int]]) -> float:
        """Of a mean over pairs; NaN below two of them."""
        alike = _alike(items)
        few = len(alike) < 2
        return float("nan") if few else float(np.std(alike, ddof=1) / len(alike) ** 0.5)


def _alike(items: Iterable[tuple[int, int]]) -> list[bool]:
    pairs: dict[int, list[int]] = {}
    for pair, said in items:
        pairs.setdefault(pair, []).append(said)
    return [said[0] == said[1] for said in pairs.values() if len(said) == 2]


matthews, parity = Matthews(), Parity()


def answers_in_pairs(
    doc: Mapping[str, Any], results: Sequence[tuple[float, bool]]
) -> dict[str, Any]:  # what lm-eval aggregates
    """Accuracy, and which choice was taken in which pair; AX-g's rows are pairs in turn."""
    said = int(np.argmax([logprob for logprob, _ in results]))
    return {"acc": float(said == doc["label"]), "gender_parity": (int(doc["idx"]) // 2, said)}
