"""From a board's question to ratings: the rows a method needs, the fit, what follows from it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from pydantic import ValidationError

from arena.models import Question
from leaderboard.query import BoardQuery
from leaderboard.ratings import METHODS, RatingMethod, Ratings
from leaderboard.ratings.options import MethodOptions
from leaderboard.ratings.ranks import probability_best, simultaneous_rank_bounds
from leaderboard.selection import Selection, select_comparisons, select_scores
from leaderboard.slices import BoardError, BoardSlice, first_problem
from leaderboard.spans import EVERYTHING, NO_EXTRAS, Extras, Span

AnyMethod = RatingMethod[Any, Any]  # each method has its own data and options

EXTRAS: Final[Mapping[str, Extras]] = {
    "style_control": Extras(length="words", is_style_required=True),
    "judge_aware_bradley_terry": Extras(length="words"),
    "judge_calibrated": Extras(preference=True),
    "alpaca_eval": Extras(length="characters", preference=True, question_names=True),
}
"""What each method reads beyond who won; the length of AlpacaEval is in characters."""


NAMED_UNKNOWN: Final = 3


class NoDataError(ValueError):
    """Nothing that the board counts has been stored yet."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """A question, the rows that answer it, and the ratings they give."""

    question: BoardSlice
    selection: Selection
    ratings: Ratings


def select(query: BoardQuery, method: AnyMethod, span: Span = EVERYTHING) -> Selection:
    """The rows a method needs."""
    if method.needs == "scores":
        return select_scores(query, span)
    return select_comparisons(query, EXTRAS.get(method.name, NO_EXTRAS), span)


def fit(question: BoardSlice, selection: Selection) -> Fitted:
    """Ratings of a selection.

    Raises NoDataError when it is empty, BoardError on a bad option, RatingError where the rows do
    not allow what the options ask for.
    """
    method: AnyMethod = METHODS.get(question.method)
    data = selection.scores if method.needs == "scores" else selection.comparisons
    if data is None or not len(data):
        raise NoDataError("nothing that this board counts has been stored yet")
    try:
        options = method.options.model_validate(question.options)
    except ValidationError as error:
        raise BoardError(f"method {method.name!r}: {first_problem(error)}") from None
    if problem := unknown_questions(options):
        raise BoardError(f"method {method.name!r}: {problem}")
    ratings = method.fit(data, options, question.seed)
    return Fitted(question, selection, ratings)


def unknown_questions(options: MethodOptions) -> str:
    """What is wrong with the questions that a method's options name, or an empty text."""
    by_set: defaultdict[str, set[str]] = defaultdict(set)
    for name in options.named_questions():
        set_slug, _, external_id = name.partition("/")
        by_set[set_slug].add(external_id)
    unknown: list[str] = []
    for set_slug, named in by_set.items():
        of_set = Question.objects.filter(question_set__slug=set_slug)
        there = set(of_set.values_list("external_id", flat=True))
        unknown += [f"{set_slug}/{external_id}" for external_id in sorted(named - there)]
    if not unknown:
        return ""
    more = f" and {len(unknown) - NAMED_UNKNOWN} more" if len(unknown) > NAMED_UNKNOWN else ""
    return (
        f"the options name {', '.join(unknown[:NAMED_UNKNOWN])}{more}: there is no such question; "
        "name each by the slug of its set and its id in it, as on the questions' pages"
    )


def rating_values(ratings: Ratings) -> list[dict[str, Any]]:
    """One mapping per rated model, best first: the columns of a ``Rating``, ``model`` its slug."""
    chance = probability_best(ratings, seed=ratings.seed)
    best, worst = simultaneous_rank_bounds(ratings, seed=ratings.seed)
    place = {name: position for position, name in enumerate(ratings.models)}
    # win rates under the keys of AlpacaEval's published table
    published = ratings.diagnostics.get("alpaca_eval", {})
    lines = []
    for row in ratings.to_rows():
        if row["rating"] is None:
            continue
        i = place[row["model"]]
        details = {
            "standard_error": row.pop("standard_error"),
            "component": row.pop("component"),
            "is_provisional": row.pop("provisional"),
            "probability_best": None if np.isnan(chance[i]) else float(chance[i]),
            "rank_set": [int(best[i]), int(worst[i])] if best[i] else None,
            **published.get(row["model"], {}),
        }
        lines.append({**row, "rank": _rank(ratings, i), "details": details})
    return lines


def _rank(ratings: Ratings, i: int) -> int:
    """One plus the models of the same connected group that are rated higher."""
    same_group = ratings.component == ratings.component[i]
    with np.errstate(invalid="ignore"):
        return 1 + int(np.sum(same_group & (ratings.rating > ratings.rating[i])))
