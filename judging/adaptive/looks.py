"""When to stop: a look at the strengths after every batch.

Looking often finds differences that are not there, so a gap counts as separated only beyond z =
2.56, which keeps the error of up to ten looks together at 5 % (Pocock 1977, table 1). A gap's width
says nothing about its sign, so the width is judged at the usual 1.96.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from judging.adaptive.strengths import POINTS_PER_LOGIT, Strengths

MOST_LOOKS = 10
Z_SEPARATED = 2.555  # Pocock 1977: ten looks, two-sided, 5 %
Z_95 = 1.959964
LEAST_AT_FIRST = 40  # below, a look tells nothing


@dataclass(frozen=True, slots=True)
class Goal:
    """``within``: half the width of a 95 % interval, in rating points.

    With ``stop_at_order`` a gap is settled as soon as the two models are separated, however wide
    its interval; otherwise only once it is known to ``within`` points.
    """

    within: float
    stop_at_order: bool = True


@dataclass(frozen=True, slots=True)
class Look:
    """What a look saw; ``open_gaps`` are pairs of models by code, ``widest`` is in points."""

    judged: int
    n_separated: int
    n_within: int
    open_gaps: tuple[tuple[int, int], ...]
    widest: float

    @property
    def is_reached(self) -> bool:
        """Whether every gap is settled."""
        return not self.open_gaps


def look_at(strengths: Strengths, goal: Goal, judged: int) -> Look:
    """Which of the gaps between two models are settled."""
    logits = strengths.logits
    deviations = strengths.gap_deviations()
    upper = np.triu_indices(len(logits), 1)
    gaps = np.abs(logits[:, None] - logits[None, :])[upper]
    deviation = deviations[upper]
    half_widths = Z_95 * deviation * POINTS_PER_LOGIT
    is_separated = gaps > Z_SEPARATED * deviation
    is_within = half_widths <= goal.within
    is_open = ~(is_within | (is_separated & goal.stop_at_order))
    return Look(
        judged=judged,
        n_separated=int(is_separated.sum()),
        n_within=int(is_within.sum()),
        open_gaps=tuple((int(i), int(j)) for i, j in np.transpose(upper)[is_open]),
        widest=float(half_widths.max(initial=0.0)),
    )


def batch_size(total: int, judged: int) -> int:
    """Judgments until the next look: a tenth of all, so that there are ten looks at most."""
    step = -(-total // MOST_LOOKS)
    if judged < LEAST_AT_FIRST:
        step = max(step, LEAST_AT_FIRST - judged)
    return min(step, total - judged)
