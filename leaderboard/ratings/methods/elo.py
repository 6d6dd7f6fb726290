"""Online Elo: ratings move a little after each battle, in the order they happened."""

from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from leaderboard.ratings.cells import Connectivity, HalfWins, PairTable
from leaderboard.ratings.comparisons import Comparisons, Outcome
from leaderboard.ratings.methods import rating_method
from leaderboard.ratings.options import BothBad, MethodOptions
from leaderboard.ratings.ratings import Estimate, Ratings, ranked
from leaderboard.ratings.scale import describe_groups
from leaderboard.ratings.strengths import SCORE_OF_A

CONVENTIONS: Final[dict[str, float]] = {"fastchat": 4.0, "llmuses": 32.0}
"""K by who published it: FastChat's elo_analysis, llmuses' (later evalscope's) arena."""


class EloOptions(MethodOptions):
    """Settings of online Elo; the defaults are FastChat's, both-bad apart."""

    convention: Literal["fastchat", "llmuses"] = Field(
        default="fastchat", description="Whose K to use: FastChat's 4 or llmuses' 32."
    )
    k: float | None = Field(
        default=None, gt=0, description="Points at stake per battle; overrides the convention's K."
    )
    init: float = Field(default=1000.0, description="Rating before the first battle.")
    scale: float = Field(
        default=400.0, gt=0, description="Points per factor of ``base`` in the odds."
    )
    base: float = Field(default=10.0, gt=1, description="Factor in the odds per ``scale`` points.")
    both_bad: BothBad = Field(
        default="exclude",
        description="'Both are bad' prefers neither side: left out and counted, or read as a "
        "tie as FastChat and llmuses do.",
    )

    @property
    def step(self) -> float:
        """K in points."""
        return CONVENTIONS[self.convention] if self.k is None else self.k


@rating_method(
    "elo",
    label="Online Elo",
    description="Each battle moves points from the loser to the winner, more for a surprise; "
    "recent battles count most and the order matters.",
    options=EloOptions,
    needs="comparisons",
)
def fit_elo(rows: Comparisons, options: EloOptions, seed: int) -> Ratings:
    """Online Elo in row order (sort by time before); a row of weight w stakes w·K points.

    There is no interval: one pass gives one number, and ranks span everything. The method
    ``elo_bootstrap`` has intervals. A model without a counted battle is unrated (NaN).
    """
    counted = rows.select(counted_rows(rows, options.both_bad))
    rating = online_elo(counted, options)
    connectivity = elo_groups(counted)
    rating[connectivity.component < 0] = np.nan
    unknown = np.full(rating.size, np.nan)
    return ranked(
        Estimate(
            rating=rating,
            lower=unknown,
            upper=unknown.copy(),
            covariance=np.full((rating.size, rating.size), np.nan),
            component=connectivity.component,
        ),
        options,
        method="elo",
        models=rows.models,
        counts=PairTable.of(rows).counts(),
        unit="points",
        diagnostics={
            **describe_elo(rows, counted, options),
            **describe_groups(
                connectivity.component, np.zeros(rating.size, dtype=bool), rows.models
            ),
        },
        seed=seed,
    )


def counted_rows(rows: Comparisons, both_bad: BothBad) -> NDArray[np.bool_]:
    """bool[n], the rows that move ratings."""
    keep = rows.weight > 0
    return keep if both_bad == "tie" else keep & (rows.outcome != Outcome.BOTH_BAD)


def elo_groups(counted: Comparisons) -> Connectivity:
    """Who can be compared with whom over the counted rows."""
    table = PairTable.of(counted)
    return Connectivity.of(HalfWins.of(table.weight, both_bad_is_tie=True))


def describe_elo(rows: Comparisons, counted: Comparisons, options: EloOptions) -> dict[str, object]:
    """Json-able facts about an Elo pass."""
    return {
        "rows": len(rows),
        "k": options.step,
        "excluded": {"both_bad": int((rows.outcome == Outcome.BOTH_BAD).sum())}
        if options.both_bad == "exclude" and len(counted) < len(rows)
        else {},
    }


def online_elo(rows: Comparisons, options: EloOptions) -> NDArray[np.float64]:
    """float64[m], ratings after all rows; bit for bit FastChat's arithmetic at unit weight.

    Both expectations are computed from their own power, as FastChat does, because
    1 - P(a beats b) may differ from P(b beats a) in the last bit.
    """
    rating = [options.init] * rows.n_models
    base, scale, k = options.base, options.scale, options.step
    score = SCORE_OF_A[rows.outcome].tolist()
    stakes = [k] * len(rows) if (rows.weight == 1).all() else (k * rows.weight).tolist()
    sides = zip(rows.model_a.tolist(), rows.model_b.tolist(), score, stakes, strict=True)
    for a, b, taken, stake in sides:
        rating_a, rating_b = rating[a], rating[b]
        expected_a = 1 / (1 + base ** ((rating_b - rating_a) / scale))
        expected_b = 1 / (1 + base ** ((rating_a - rating_b) / scale))
        rating[a] = rating_a + stake * (taken - expected_a)
        rating[b] = rating_b + stake * (1 - taken - expected_b)
    return np.array(rating)
