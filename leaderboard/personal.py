"""A voter's own board, and how it differs from everyone's."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from django.db.models import Count, QuerySet
from django.http import HttpRequest

from arena.models import LanguageModel, Vote, Voter
from arena.panels import Panel, register_page_panel
from arena.voting.merging import voters_of
from arena.voting.progress import PERSONAL_BOARD_FROM
from leaderboard.ratings import METHODS, Comparisons, Ratings

PRIOR_WEIGHT = 1  # a tie of each model with every other it met: few votes separate perfectly


@dataclass(frozen=True, slots=True)
class _Tally:
    """So many votes with this outcome on this pair."""

    model_a: int
    model_b: int
    outcome: str
    votes: int


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

    @property
    def distance(self) -> int:
        return abs(self.difference)


@register_page_panel("my_votes", position=10)
def personal_board(voter: Voter, _request: HttpRequest) -> Panel | None:
    """The voter's ranking of the models they have judged, beside everyone's of the same models."""
    own = _votes(Vote.objects.counted().filter(voter__in=voters_of(voter)))
    if sum(vote.votes for vote in own) < PERSONAL_BOARD_FROM:
        return None
    met = {model for vote in own for model in (vote.model_a, vote.model_b)}
    everyone = _votes(
        Vote.objects.counted().filter(battle__model_a__in=met, battle__model_b__in=met)
    )
    mine, theirs = _places(own), _places(everyone)
    models = LanguageModel.objects.in_bulk(met)
    counts: dict[int, int] = defaultdict(int)
    for vote in own:
        counts[vote.model_a] += vote.votes
        counts[vote.model_b] += vote.votes
    rows = [
        PersonalRow(models[model], place, theirs[model], counts[model])
        for model, place in sorted(mine.items(), key=lambda entry: entry[1])
    ]
    return Panel(
        "leaderboard/_personal_board.html", {"rows": rows, "votes": sum(vote.votes for vote in own)}
    )


def _votes(rows: QuerySet[Vote]) -> list[_Tally]:
    """Added up by the database: everyone's votes may be millions."""
    sides = ("battle__model_a_id", "battle__model_b_id", "outcome")
    counted = rows.order_by().values_list(*sides).annotate(n=Count("id"))
    return [_Tally(a, b, outcome, n) for a, b, outcome, n in counted]


def _places(votes: list[_Tally]) -> dict[int, int]:
    """Places by Bradley-Terry; every pair that met gets one tie more, which keeps it finite."""
    pairs = sorted({(min(v.model_a, v.model_b), max(v.model_a, v.model_b)) for v in votes})
    rows = votes + [_Tally(a, b, "tie", PRIOR_WEIGHT) for a, b in pairs]
    comparisons = Comparisons.from_names(
        [str(row.model_a) for row in rows],
        [str(row.model_b) for row in rows],
        [row.outcome for row in rows],
        weight=[row.votes for row in rows],
    )
    ratings: Ratings = METHODS.get("bradley_terry").fit(comparisons)
    order = sorted(zip(ratings.rating, ratings.models, strict=True), key=lambda entry: -entry[0])
    return {int(model): place for place, (_, model) in enumerate(order, start=1)}
