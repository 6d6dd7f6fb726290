"""One outcome per battle and judge, from all games and turns in which the judge was asked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from judging.verdicts.base import Outcome

Ids = NDArray[np.int64]

SIDE_A, SIDE_B, EVEN = 0, 1, 2
NO_VERDICT = -1  # asked, but there is nothing to read, or it does not count
# no judge convention says "both bad": on agreement it counts as a tie
CODES = {
    Outcome.MODEL_A: SIDE_A,
    Outcome.MODEL_B: SIDE_B,
    Outcome.TIE: EVEN,
    Outcome.BOTH_BAD: EVEN,
}
OUTCOMES = (Outcome.MODEL_A, Outcome.MODEL_B, Outcome.TIE)  # by code


@dataclass(frozen=True, slots=True)
class BattleVerdicts:
    """What judges made of battles; all columns have shape (n,), sorted by battle, then judge.

    ``outcomes`` are ``SIDE_A``, ``SIDE_B`` or ``EVEN``. ``wavers`` where both orders of a turn were
    judged and named different outcomes.
    """

    battles: Ids
    judges: Ids
    outcomes: Ids
    wavers: NDArray[np.bool_]


def verdicts_of_battles(battles: Ids, judges: Ids, turns: Ids, codes: Ids) -> BattleVerdicts:
    """On each turn a win only if both games agree, else a tie; then the turns are added up.

    Columns of shape (n,), one row per game that was asked for, in ``codes`` its outcome or
    ``NO_VERDICT``. A turn of which one game has no verdict is left out, as in MT-Bench; a judge
    that was asked in one order only is taken at its word. The side that is ahead over the turns
    wins. Source: Zheng et al. 2023, section 3.4, and FastChat's ``show_result.py``.
    """
    order = np.lexsort((turns, judges, battles))
    battles, judges, turns, codes = (each[order] for each in (battles, judges, turns, codes))
    starts = _starts(battles, judges, turns)
    if not len(starts):
        return BattleVerdicts(battles, judges, codes, np.zeros(0, dtype=np.bool_))
    lowest, highest = (f.reduceat(codes, starts) for f in (np.minimum, np.maximum))
    is_whole = lowest != NO_VERDICT
    lowest, highest, starts = lowest[is_whole], highest[is_whole], starts[is_whole]
    battles, judges = battles[starts], judges[starts]
    agree = lowest == highest
    lead = (agree & (lowest == SIDE_A)).astype(np.int64) - (agree & (lowest == SIDE_B))
    firsts = _starts(battles, judges)
    if not len(firsts):
        return BattleVerdicts(battles, judges, lowest, agree)
    ahead = np.sign(np.add.reduceat(lead, firsts))
    return BattleVerdicts(
        battles=battles[firsts],
        judges=judges[firsts],
        outcomes=np.choose(ahead + 1, (SIDE_B, EVEN, SIDE_A)).astype(np.int64),
        wavers=np.logical_or.reduceat(~agree, firsts),
    )


def _starts(*columns: Ids) -> Ids:
    """Where a new group begins in sorted columns."""
    is_first = np.ones(len(columns[0]), dtype=np.bool_)
    is_first[1:] = np.logical_or.reduce([np.diff(column) != 0 for column in columns])
    return np.flatnonzero(is_first)
