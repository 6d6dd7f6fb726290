"""A voter's own board, and how it differs from everyone's."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from django.db.models import QuerySet
from django.http import HttpRequest

from arena.models import LanguageModel, Vote, Voter
from arena.panels import Panel, register_page_panel
from arena.voting.progress import PERSONAL_BOARD_FROM
from leaderboard.ratings import METHODS, Comparisons, Ratings

PRIOR_WEIGHT = 1.0  # a tie of each model with every other it met: few votes separate perfectly


@dataclass(frozen=True, slots=True)
class PersonalRow:
    """``difference`` in places: positive when the voter ranks the model higher than everyone."""

    model: LanguageModel
    place: int
    overall_place: int
    votes: int

    @property
    def difference(self) -> int:
        return self.overall_place - self.place


@register_page_panel("my_votes", position=10)
def personal_board(voter: Voter, _request: HttpRequest) -> Panel | None:
    """The voter's ranking of the models they have judged, beside everyone's of the same models."""
    own = _votes(Vote.objects.counted().filter(voter=voter))
    if len(own) < PERSONAL_BOARD_FROM:
        return None
    met = {model for vote in own for model in vote[:2]}
    everyone = [vote for vote in _votes(Vote.objects.counted()) if set(vote[:2]) <= met]
    mine, theirs = _places(own), _places(everyone)
    models = LanguageModel.objects.in_bulk(met)
    counts: dict[int, int] = defaultdict(int)
    for vote in own:
        counts[vote[0]] += 1
        counts[vote[1]] += 1
    rows = [
        PersonalRow(models[model], place, theirs[model], counts[model])
        for model, place in sorted(mine.items(), key=lambda entry: entry[1])
    ]
    return Panel("leaderboard/_personal_board.html", {"rows": rows, "votes": len(own)})


def _votes(rows: QuerySet[Vote]) -> list[tuple[int, int, str]]:
    return list(rows.values_list("battle__model_a_id", "battle__model_b_id", "outcome"))


def _places(votes: list[tuple[int, int, str]]) -> dict[int, int]:
    """Places by Bradley-Terry; every pair that met gets one tie more, which keeps it finite."""
    pairs = sorted({(min(a, b), max(a, b)) for a, b, _ in votes})
    rows = votes + [(a, b, "tie") for a, b in pairs]
    weights = [1.0] * len(votes) + [PRIOR_WEIGHT] * len(pairs)
    comparisons = Comparisons.from_names(
        [str(a) for a, _, _ in rows],
        [str(b) for _, b, _ in rows],
        [outcome for _, _, outcome in rows],
        weight=weights,
    )
    ratings: Ratings = METHODS.get("bradley_terry").fit(comparisons)
    order = sorted(zip(ratings.rating, ratings.models, strict=True), key=lambda entry: -entry[0])
    return {int(model): place for place, (_, model) in enumerate(order, start=1)}
