"""Ratings from comparisons and scores: numpy and scipy only, usable from a notebook.

``Comparisons`` or ``Scores`` go in, ``Ratings`` come out, a method stands between::

    from leaderboard.ratings import Comparisons, METHODS

    battles = Comparisons.from_names(["alpha", "beta"], ["beta", "gamma"], ["model_a", "tie"])
    METHODS.get("bradley_terry").fit(battles).rating
"""

from leaderboard.ratings.comparisons import Comparisons, ComparisonsError, Outcome
from leaderboard.ratings.errors import RatingError
from leaderboard.ratings.methods import METHODS, RatingMethod
from leaderboard.ratings.ratings import Counts, Ratings
from leaderboard.ratings.scores import Scores, ScoresError

__all__ = [
    "METHODS",
    "Comparisons",
    "ComparisonsError",
    "Counts",
    "Outcome",
    "RatingError",
    "RatingMethod",
    "Ratings",
    "Scores",
    "ScoresError",
]
