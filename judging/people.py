"""People and judges on the same battles: how far they agree, by category, and where they do not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from django.core.paginator import Page, Paginator

from arena.models import Battle, InviteRound, Outcome, Vote
from arena.voting.rounds import votes_in_round
from judging.agreement import TwoRaters, alpha_of_counts
from judging.models import Judge
from judging.people_figures import (
    CODES,
    EVERYTHING,
    ROUNDS,
    Alpha,
    PeopleFigures,
    people_figures,
)

SHOWN = 30


@dataclass(frozen=True, slots=True)
class AgreementRow:
    judge: Judge
    category: str
    figures: TwoRaters
    battles: int
    disputes: int


@dataclass(frozen=True, slots=True)
class AgreementOfJudge:
    """One judge in all, and by the categories that it shares with people."""

    overall: AgreementRow
    categories: list[AgreementRow]


@dataclass(frozen=True, slots=True)
class Dispute:
    """A battle on which the people's majority and a judge decided for different models."""

    battle: Battle
    judge: Judge
    category: str
    people: Outcome
    verdict: Outcome
    votes: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which disputes to show: of one judge's version, in one category, from which page on."""

    judge_id: int | None = None
    category: str = ""
    page: str = "1"


@dataclass(frozen=True, slots=True)
class PeoplePage:
    judges: list[AgreementOfJudge]
    alphas: list[Alpha]
    disputes: list[Dispute]
    page: Page[int]
    judge: Judge | None
    votes: int
    wavering: int
    split: int


def people_page(
    *, include_demo: bool, wanted: Wanted = Wanted(), figures: PeopleFigures | None = None
) -> PeoplePage:
    """Everything the page shows, from ``figures`` or from the rows as they are now."""
    figures = figures or people_figures(include_demo=include_demo)
    judges = judges_of(figures)
    chosen = None if wanted.judge_id is None else {wanted.judge_id}
    places = figures.disputes.places(judges=chosen, category=wanted.category)
    page = Paginator(places, SHOWN).get_page(wanted.page)
    return PeoplePage(
        judges=agreement_of_judges(figures, judges),
        alphas=figures.alphas,
        disputes=disputes_at(list(page), figures, judges),
        page=page,
        judge=judges.get(wanted.judge_id or 0),
        votes=figures.votes,
        wavering=figures.wavering,
        split=figures.split,
    )


def judges_of(figures: PeopleFigures) -> dict[int, Judge]:
    """By id, without those that are gone since the figures were worked out."""
    return Judge.objects.in_bulk({row.judge_id for row in figures.rows})


def agreement_of_judges(
    figures: PeopleFigures, judges: Mapping[int, Judge]
) -> list[AgreementOfJudge]:
    """By the judges' names, each in all and by category."""
    rows = [
        AgreementRow(judges[row.judge_id], row.category, row.figures, row.battles, row.disputes)
        for row in figures.rows
        if row.judge_id in judges
    ]
    rows.sort(key=lambda row: (str(row.judge), row.category != EVERYTHING, row.category))
    by_judge = [list(own) for _, own in groupby(rows, key=lambda row: row.judge)]
    return [AgreementOfJudge(own[0], own[1:]) for own in by_judge]


def disputes_at(
    places: Sequence[int], figures: PeopleFigures, judges: Mapping[int, Judge]
) -> list[Dispute]:
    """Those at the places that ``figures.disputes`` gave, without battles that are gone."""
    shown = figures.disputes.at(places)
    battles = Battle.objects.select_related("model_a", "model_b", "question").in_bulk(
        {dispute.battle_id for dispute in shown}
    )
    return [
        Dispute(
            battle=battles[dispute.battle_id],
            judge=judges[dispute.judge_id],
            category=dispute.category,
            people=Outcome.MODEL_B if dispute.verdict == Outcome.MODEL_A else Outcome.MODEL_A,
            verdict=dispute.verdict,
            votes=dispute.votes,
        )
        for dispute in shown
        if dispute.battle_id in battles and dispute.judge_id in judges
    ]


def alpha_of_round(invite: InviteRound) -> Alpha:
    """Krippendorff's α between the annotators of one closed round."""
    units: dict[int, list[int]] = defaultdict(lambda: [0] * len(CODES))
    questions: dict[int, int] = {}
    votes = Vote.objects.counted().filter(pk__in=votes_in_round(invite).values("pk"))
    rows = votes.values_list("battle_id", "battle__question_id", "outcome")
    for battle, question, outcome in rows:
        units[battle][CODES[Outcome(outcome)]] += 1
        # a battle that came without its question is a cluster of its own
        questions[battle] = question or -battle
    counts = np.array(list(units.values()), dtype=np.float64).reshape(len(units), len(CODES))
    clusters = np.array(list(questions.values()), dtype=np.int64)
    alpha = alpha_of_counts(counts, clusters=clusters, rounds=ROUNDS)
    return Alpha(EVERYTHING, alpha, int((counts.sum(axis=1) > 1).sum()))
