"""Votes and verdicts on the same battles as columns, and what they say about agreement.

Read in two queries whatever the number of judges; all else is arithmetic on arrays.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from django.db.models import Exists, OuterRef
from numpy.typing import NDArray

from arena.models import Outcome, Question, Vote, VoteSource
from judging.agreement import Estimate, TwoRaters, alpha_of_counts, compare_raters
from judging.models import Judgment

EVERYTHING = ""
ROUNDS = 400  # bootstrap rounds; the page is live, and two digits are shown
CODES = {Outcome.MODEL_A: 0, Outcome.MODEL_B: 1, Outcome.TIE: 2, Outcome.BOTH_BAD: 3}
_THREE = np.array([0, 1, 2, 2])  # no judge says "both bad": on agreement it counts as a tie

Ids = NDArray[np.int64]
Counts = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Agreement:
    """One judge and the people in one category; ``disputes`` counts battles."""

    judge_id: int
    category: str
    figures: TwoRaters
    disputes: int


@dataclass(frozen=True, slots=True)
class Alpha:
    category: str
    alpha: Estimate


@dataclass(frozen=True, slots=True)
class DisputedBattle:
    """Most of the battle's ``votes`` are for one side, the judge is for the other."""

    battle_id: int
    judge_id: int
    category: str
    verdict: Outcome
    votes: int


@dataclass(slots=True)
class PeopleFigures:
    """``undecided`` verdicts changed with the order; ``split`` battles have votes of two people or
    more, and no outcome that most of them named. Disputes come with the most votes first.
    """

    rows: list[Agreement] = field(default_factory=list)
    alphas: list[Alpha] = field(default_factory=list)
    disputes: list[DisputedBattle] = field(default_factory=list)
    undecided: int = 0
    split: int = 0


@dataclass(frozen=True, slots=True)
class _Votes:
    """Per voted battle: its id, its question's place, and votes by outcome, shape (battles, 4).

    ``categories`` are those of the questions, in the places' order.
    """

    battles: Ids
    questions: Ids
    counts: Counts
    categories: NDArray[Any]  # texts


@dataclass(frozen=True, slots=True)
class _Verdicts:
    """Per battle's place and judge: the lowest and the highest code the judge gave."""

    places: Ids
    judges: Ids
    lowest: Ids
    highest: Ids


def people_figures(*, include_demo: bool) -> PeopleFigures:
    votes = _votes(include_demo)
    found = PeopleFigures(alphas=list(_alphas(votes)))
    if not len(votes.battles):
        return found
    said = _verdicts(votes)
    is_firm = said.lowest == said.highest
    found.undecided = int((~is_firm).sum())
    places, judges, verdicts = said.places[is_firm], said.judges[is_firm], said.lowest[is_firm]
    counts = votes.counts[places]
    n_votes = counts.sum(axis=1)
    majority = np.where(2 * counts.max(axis=1) > n_votes, counts.argmax(axis=1), -1)
    found.split = len(np.unique(places[majority < 0]))
    is_dispute = (verdicts <= 1) & (majority == 1 - verdicts)
    categories = votes.categories[votes.questions[places]]
    for judge in np.unique(judges):
        own = judges == judge
        tables = _tables(votes.questions[places[own]], counts[own], verdicts[own], votes)
        for category in (EVERYTHING, *sorted(set(categories[own]) - {EVERYTHING})):
            chosen = tables if category == EVERYTHING else tables[votes.categories == category]
            of_category = own & ((categories == category) | (category == EVERYTHING))
            figures = compare_raters(chosen, rounds=ROUNDS)
            n = int((is_dispute & of_category).sum())
            found.rows.append(Agreement(int(judge), str(category), figures, n))
    order = np.lexsort((-votes.battles[places], -n_votes))
    shown = order[is_dispute[order]]
    outcomes = list(CODES)
    columns = (votes.battles[places], judges, categories, verdicts, n_votes.astype(np.int64))
    found.disputes = [
        DisputedBattle(battle, judge, category, outcomes[verdict], n)
        for battle, judge, category, verdict, n in zip(
            *(column[shown].tolist() for column in columns), strict=True
        )
    ]
    return found


def _votes(include_demo: bool) -> _Votes:
    rows = Vote.objects.counted().filter(battle__question__isnull=False).order_by()
    if not include_demo:
        rows = rows.exclude(source=VoteSource.DEMO)
    values = rows.values_list("battle_id", "battle__question_id", "outcome")
    battle_ids, question_ids, codes = _columns(values)
    battles, first, place = np.unique(battle_ids, return_index=True, return_inverse=True)
    questions, question_place = np.unique(question_ids[first], return_inverse=True)
    named = dict(Question.objects.exclude(category="").values_list("id", "category"))
    return _Votes(
        battles=battles,
        questions=question_place,
        counts=np.bincount(place * 4 + codes, minlength=4 * len(battles))
        .reshape(len(battles), 4)
        .astype(np.float64),
        categories=np.array([named.get(int(pk), EVERYTHING) for pk in questions], dtype=object),
    )


def _verdicts(votes: _Votes) -> _Verdicts:
    """What judges said about voted battles, all games and repeats of a judge together."""
    voted = Vote.objects.filter(battle=OuterRef("battle"))
    rows = Judgment.objects.counted().exclude(outcome="").filter(Exists(voted)).order_by()
    battle_ids, judges, codes = _columns(rows.values_list("battle_id", "judge_id", "outcome"))
    places = np.searchsorted(votes.battles, battle_ids)
    is_voted = votes.battles[np.minimum(places, len(votes.battles) - 1)] == battle_ids
    places, judges, codes = places[is_voted], judges[is_voted], codes[is_voted]
    order = np.lexsort((judges, places))
    places, judges, codes = places[order], judges[order], codes[order]
    is_first = np.ones(len(places), dtype=bool)
    is_first[1:] = (np.diff(places) != 0) | (np.diff(judges) != 0)
    starts = np.flatnonzero(is_first)
    if not len(starts):
        return _Verdicts(places, judges, codes, codes)
    lowest, highest = (f.reduceat(codes, starts) for f in (np.minimum, np.maximum))
    return _Verdicts(places[starts], judges[starts], lowest, highest)


def _columns(values: Iterable[Sequence[Any]]) -> tuple[Ids, Ids, Ids]:
    """Two columns of ids, and outcomes by their codes."""
    rows = [(first, second, CODES[outcome]) for first, second, outcome in values]
    table = np.array(rows, dtype=np.int64).reshape(len(rows), 3)
    return table[:, 0], table[:, 1], table[:, 2]


def _tables(questions: Ids, counts: Counts, verdicts: Ids, votes: _Votes) -> Counts:
    """How often people and the judge said what, by question: shape (questions, 3, 3)."""
    n = len(votes.categories)
    cells = questions * 3 + _THREE[verdicts]
    three = np.column_stack((counts[:, 0], counts[:, 1], counts[:, 2] + counts[:, 3]))
    by_vote = [np.bincount(cells, weights=three[:, v], minlength=3 * n) for v in range(3)]
    return np.stack([column.reshape(n, 3) for column in by_vote], axis=1)


def _alphas(votes: _Votes) -> Iterable[Alpha]:
    """Krippendorff's α between people, on battles that several judged, in all and by category."""
    several = votes.counts.sum(axis=1) > 1
    counts = votes.counts[several]
    categories = votes.categories[votes.questions[several]]
    for category in (EVERYTHING, *sorted(set(categories) - {EVERYTHING})):
        chosen = counts if category == EVERYTHING else counts[categories == category]
        if len(chosen):
            yield Alpha(str(category), alpha_of_counts(chosen, rounds=ROUNDS))
