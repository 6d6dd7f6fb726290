"""Many machine verdicts corrected by few human votes: prediction-powered inference.

A *battle* here is one question between two models. People voted on some battles, judges gave
verdicts on many. Within each pair of models the human mean is corrected by what the judges say
about all battles less what they say about those people voted on, times a factor λ:

    ȳ = ȳ(human) + λ · (f̄(all judged) - f̄(judged and voted on))

Angelopoulos et al. 2023 (Science 382) with the power tuning of PPI++ (arXiv 2311.01453), applied
per pair of models, so that judges may cover pairs in other proportions than people do.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leaderboard.ratings.comparisons import UNKNOWN, Comparisons, Outcome
from leaderboard.ratings.pair_sums import bin_sums
from leaderboard.ratings.strengths import SCORE_OF_A


@dataclass(frozen=True, slots=True)
class HumanVotes:
    """Human rows, from the side of the model listed first of the pair.

    ``rows``: intp[h], positions in the comparisons. ``cell``: intp[h], ``low * m + high``.
    ``taken``: float64[h], 1, ½ or 0 for the lower-numbered model. ``weight``: float64[h].
    ``verdict``: float64[h], the judges' mean on the same battle; NaN where they gave none.
    """

    rows: NDArray[np.intp]
    cell: NDArray[np.intp]
    taken: NDArray[np.float64]
    weight: NDArray[np.float64]
    verdict: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class JudgedBattles:
    """Battles with verdicts, one entry each, judges and both games averaged.

    ``cell``: intp[j]. ``verdict``: float64[j] for the lower-numbered model. ``row``: intp[j], one
    row of each battle, to find its cluster.
    """

    cell: NDArray[np.intp]
    verdict: NDArray[np.float64]
    row: NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Calibration:
    """The two sources joined, and the judges' mean verdict per cell, NaN without verdicts."""

    n_models: int
    human: HumanVotes
    judged: JudgedBattles
    cell_verdict: NDArray[np.float64]

    @property
    def is_matched(self) -> NDArray[np.bool_]:
        """bool[h], human rows on a battle that judges decided too."""
        return ~np.isnan(self.human.verdict)


def join_sources(rows: Comparisons) -> Calibration:
    """Split ``rows`` into people (judge -1) and judges, and match them by question and pair.

    "Both bad" prefers neither side and is left out on both sides. A row whose question is
    unknown cannot be matched; a judged one still counts among all judged battles.
    """
    m = rows.n_models
    low = np.minimum(rows.model_a, rows.model_b).astype(np.intp)
    high = np.maximum(rows.model_a, rows.model_b).astype(np.intp)
    cell = low * m + high
    score = SCORE_OF_A[rows.outcome]
    if rows.preference is not None:
        score = np.where(np.isnan(rows.preference), score, rows.preference)
    taken = np.where(rows.model_a == low, score, 1 - score)
    counts = (rows.outcome != Outcome.BOTH_BAD) & (rows.weight > 0)
    battle, n_battles = _battles(rows, cell)
    by_judge = np.flatnonzero(counts & (rows.judge != UNKNOWN))
    by_people = np.flatnonzero(counts & (rows.judge == UNKNOWN))
    total = bin_sums(battle[by_judge], rows.weight[by_judge] * taken[by_judge], n_battles)
    weight = bin_sums(battle[by_judge], rows.weight[by_judge], n_battles)
    with np.errstate(invalid="ignore"):
        verdict = total / weight
    first = np.zeros(n_battles, dtype=np.intp)
    first[battle[by_judge][::-1]] = by_judge[::-1]
    decided = np.flatnonzero(weight > 0)
    judged = JudgedBattles(cell[first[decided]], verdict[decided], first[decided])
    human = HumanVotes(
        rows=by_people,
        cell=cell[by_people],
        taken=taken[by_people],
        weight=rows.weight[by_people],
        verdict=np.where(rows.question[by_people] >= 0, verdict[battle[by_people]], np.nan),
    )
    number = bin_sums(judged.cell, np.ones(judged.cell.size), m * m)
    with np.errstate(invalid="ignore"):
        cell_verdict = bin_sums(judged.cell, judged.verdict, m * m) / number
    return Calibration(m, human, judged, cell_verdict)


def _battles(rows: Comparisons, cell: NDArray[np.intp]) -> tuple[NDArray[np.intp], int]:
    """intp[n], the battle of each row; rows of an unknown question are battles of their own."""
    n = len(rows)
    size = rows.n_models**2
    known = rows.question.astype(np.int64) * size + cell
    alone = (int(rows.question.max(initial=0)) + 1) * size + np.arange(n, dtype=np.int64)
    key = np.where(rows.question >= 0, known, alone)
    unique, battle = np.unique(key, return_inverse=True)
    return battle.astype(np.intp), int(unique.size)


def calibrated_points(join: Calibration, power: float) -> NDArray[np.float64]:
    """float64[m, m], points taken per ordered pair after correction with factor ``power``.

    Games per pair stay the human votes' weight, so pairs count as people met them. A corrected
    share may pass 0 or 1 by noise; the likelihood stays concave all the same.
    """
    m, human = join.n_models, join.human
    shift = np.where(join.is_matched, join.cell_verdict[human.cell] - human.verdict, 0.0)
    value = human.taken + power * np.nan_to_num(shift)
    taken = bin_sums(human.cell, human.weight * value, m * m).reshape(m, m)
    games = bin_sums(human.cell, human.weight, m * m).reshape(m, m)
    points: NDArray[np.float64] = taken + (games - taken).T
    return points


@dataclass(frozen=True, slots=True)
class ScoreParts:
    """Row scores of the human votes and of the control variate, for all n comparisons.

    The estimating function of a row is ``human - power * control``, both float64[n], along
    e_low - e_high.
    """

    low: NDArray[np.int32]
    high: NDArray[np.int32]
    human: NDArray[np.float64]
    control: NDArray[np.float64]


def score_parts(
    join: Calibration, rows: Comparisons, chance: NDArray[np.float64], *, power: float
) -> ScoreParts:
    """Scores at win probabilities ``chance`` float64[m, m].

    Human residuals are taken about the calibrated share of their pair where it misfits the
    model only through ``chance``, as any sandwich does. The judges' part spreads each pair's
    matched human weight over its judged battles.
    """
    n, size = len(rows), join.n_models**2
    human, judged = join.human, join.judged
    flat = chance.reshape(size)
    scores = np.zeros(n)
    scores[human.rows] = human.weight * (human.taken - flat[human.cell])
    control = np.zeros(n)
    matched = join.is_matched
    centre = np.nan_to_num(join.cell_verdict)
    control[human.rows[matched]] = human.weight[matched] * (
        human.verdict[matched] - centre[human.cell[matched]]
    )
    weight = bin_sums(human.cell[matched], human.weight[matched], size)
    number = bin_sums(judged.cell, np.ones(judged.cell.size), size)
    share = weight[judged.cell] / np.maximum(number[judged.cell], 1)
    np.add.at(control, judged.row, -share * (judged.verdict - centre[judged.cell]))
    low = np.minimum(rows.model_a, rows.model_b)
    return ScoreParts(low, np.maximum(rows.model_a, rows.model_b), scores, control)
