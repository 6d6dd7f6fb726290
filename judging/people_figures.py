"""Votes and verdicts on the same battles as columns, and what they say about agreement.

Read in two queries whatever the number of judges; all else is arithmetic on arrays.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from django.db.models import Exists, OuterRef
from numpy.typing import NDArray

from arena.models import Outcome, Question, Vote, VoteSource, WorkStatus
from judging.agreement import CODES as VERDICT_CODES
from judging.agreement import (
    EVEN,
    NO_VERDICT,
    BattleVerdicts,
    Estimate,
    TwoRaters,
    alpha_of_counts,
    compare_raters,
    verdicts_of_battles,
)
from judging.models import Judgment, JudgmentMode

EVERYTHING = ""
ROUNDS = 400  # bootstrap rounds; the page is live, and two digits are shown
CODES = {Outcome.MODEL_A: 0, Outcome.MODEL_B: 1, Outcome.TIE: 2, Outcome.BOTH_BAD: 3}
_VERDICT_CODES = {outcome.value: code for outcome, code in VERDICT_CODES.items()}

Ids = NDArray[np.int64]
Counts = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Agreement:
    """One judge and the people in one category; ``disputes`` counts battles."""

    judge_id: int
    category: str
    figures: TwoRaters
    battles: int
    disputes: int


@dataclass(frozen=True, slots=True)
class Alpha:
    """Krippendorff's α between people over the ``battles`` that several judged."""

    category: str
    alpha: Estimate
    battles: int


@dataclass(frozen=True, slots=True)
class DisputedBattle:
    """Most of the battle's ``votes`` are for one side, the judge is for the other."""

    battle_id: int
    judge_id: int
    category: str
    verdict: Outcome
    votes: int


def _no_disputes() -> Ids:
    return np.zeros((0, 5), dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Disputes:
    """Disputed battles, those with the most votes first: hundreds of thousands on a large arena.

    ``columns`` have shape (n, 5): battle, judge, place in ``categories``, the verdict's code and
    the number of votes.
    """

    categories: tuple[str, ...] = ()
    columns: Ids = field(default_factory=_no_disputes)

    def places(
        self, *, judges: Collection[int] | None = None, category: str = EVERYTHING
    ) -> list[int]:
        """Where those of some judges, by id, and one category stand, or of all."""
        is_wanted = np.ones(len(self.columns), dtype=np.bool_)
        if judges is not None:
            is_wanted &= np.isin(self.columns[:, 1], list(judges))
        if category != EVERYTHING:
            known = self.categories.index(category) if category in self.categories else -1
            is_wanted &= self.columns[:, 2] == known
        places: list[int] = np.flatnonzero(is_wanted).tolist()
        return places

    def at(self, places: Sequence[int]) -> list[DisputedBattle]:
        outcomes = list(CODES)
        return [
            DisputedBattle(battle, judge, self.categories[category], outcomes[verdict], votes)
            for battle, judge, category, verdict, votes in self.columns[list(places)].tolist()
        ]


@dataclass(slots=True)
class PeopleFigures:
    """``wavering`` verdicts changed with the order and count as ties; ``split`` battles have votes
    of two people or more, and no outcome that most of them named. ``votes`` are all that count.
    """

    rows: list[Agreement] = field(default_factory=list)
    alphas: list[Alpha] = field(default_factory=list)
    disputes: Disputes = field(default_factory=Disputes)
    votes: int = 0
    wavering: int = 0
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


def people_figures(*, include_demo: bool) -> PeopleFigures:
    votes = _votes(include_demo)
    found = PeopleFigures(alphas=list(_alphas(votes)), votes=int(votes.counts.sum()))
    if not len(votes.battles):
        return found
    said = _verdicts(votes)
    found.wavering = int(said.wavers.sum())
    places = np.searchsorted(votes.battles, said.battles)
    counts = votes.counts[places]
    n_votes = counts.sum(axis=1)
    majority = np.where(2 * counts.max(axis=1) > n_votes, counts.argmax(axis=1), -1)
    found.split = len(np.unique(places[majority < 0]))
    is_dispute = (said.outcomes != EVEN) & (majority == 1 - said.outcomes)
    categories = votes.categories[votes.questions[places]]
    for judge in np.unique(said.judges):
        own = said.judges == judge
        tables = _tables(votes.questions[places[own]], counts[own], said.outcomes[own], votes)
        for category in (EVERYTHING, *sorted(set(categories[own]) - {EVERYTHING})):
            chosen = tables if category == EVERYTHING else tables[votes.categories == category]
            of_category = own & ((categories == category) | (category == EVERYTHING))
            found.rows.append(
                Agreement(
                    judge_id=int(judge),
                    category=str(category),
                    figures=compare_raters(chosen, rounds=ROUNDS),
                    battles=int(of_category.sum()),
                    disputes=int((is_dispute & of_category).sum()),
                )
            )
    order = np.lexsort((-said.battles, -n_votes))
    shown = order[is_dispute[order]]
    names, category_places = np.unique(categories.astype(str), return_inverse=True)
    columns = (said.battles, said.judges, category_places, said.outcomes, n_votes)
    found.disputes = Disputes(
        tuple(names.tolist()),
        np.column_stack([column[shown].astype(np.int64) for column in columns]),
    )
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


def _verdicts(votes: _Votes) -> BattleVerdicts:
    """What judges made of voted battles; nothing that is not finished or does not count."""
    voted = Vote.objects.filter(battle=OuterRef("battle"))
    rows = (
        Judgment.objects.filter(
            Exists(voted), mode=JudgmentMode.PAIRWISE, repeat=0, is_dry_run=False
        )
        .order_by()
        .values_list("battle_id", "judge_id", "turn", "status", "exclusion", "outcome")
    )
    table = np.array(
        [
            (battle, judge, turn, _VERDICT_CODES[outcome])
            if outcome and not exclusion and status == WorkStatus.DONE
            else (battle, judge, turn, NO_VERDICT)
            for battle, judge, turn, status, exclusion, outcome in rows
        ],
        dtype=np.int64,
    ).reshape(-1, 4)
    is_voted = np.isin(table[:, 0], votes.battles)
    battles, judges, turns, codes = table[is_voted].T
    return verdicts_of_battles(battles, judges, turns, codes)


def _columns(values: Iterable[Sequence[Any]]) -> tuple[Ids, Ids, Ids]:
    """Two columns of ids, and outcomes by their codes."""
    rows = [(first, second, CODES[outcome]) for first, second, outcome in values]
    table = np.array(rows, dtype=np.int64).reshape(len(rows), 3)
    return table[:, 0], table[:, 1], table[:, 2]


def _tables(questions: Ids, counts: Counts, verdicts: Ids, votes: _Votes) -> Counts:
    """How often people and the judge said what, by question: shape (questions, 3, 3)."""
    n = len(votes.categories)
    cells = questions * 3 + verdicts
    three = np.column_stack((counts[:, 0], counts[:, 1], counts[:, 2] + counts[:, 3]))
    by_vote = [np.bincount(cells, weights=three[:, v], minlength=3 * n) for v in range(3)]
    return np.stack([column.reshape(n, 3) for column in by_vote], axis=1)


def _alphas(votes: _Votes) -> Iterable[Alpha]:
    """Between people, on battles that several judged, in all and by category.

    Battles of one question resemble each other, so questions are resampled.
    """
    several = votes.counts.sum(axis=1) > 1
    counts, questions = votes.counts[several], votes.questions[several]
    categories = votes.categories[questions]
    for category in (EVERYTHING, *sorted(set(categories) - {EVERYTHING})):
        chosen = (categories == category) | (category == EVERYTHING)
        if n := int(chosen.sum()):
            alpha = alpha_of_counts(counts[chosen], clusters=questions[chosen], rounds=ROUNDS)
            yield Alpha(str(category), alpha, n)
