"""People and judges on the same battles: how far they agree, by category, and where they do not."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from django.core.paginator import Page, Paginator

from arena.models import Battle, InviteRound, Outcome, Vote
from judging.agreement import Estimate, TwoRaters, alpha_of_counts
from judging.models import Judge
from judging.people_figures import (
    CODES,
    ROUNDS,
    Alpha,
    DisputedBattle,
    PeopleFigures,
    people_figures,
)

SHOWN = 30


@dataclass(frozen=True, slots=True)
class AgreementRow:
    judge: Judge
    category: str
    figures: TwoRaters
    disputes: int


@dataclass(frozen=True, slots=True)
class Dispute:
    """A battle on which the people's majority and a judge decided for different models."""

    battle: Battle
    judge: Judge
    people: Outcome
    verdict: Outcome
    votes: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which disputes to show: of one judge's version, in one category, from which page on."""

    judge_id: int | None = None
    category: str = ""
    page: str = "1"

    def takes(self, dispute: DisputedBattle) -> bool:
        return self.judge_id in (None, dispute.judge_id) and (
            self.category in ("", dispute.category)
        )


@dataclass(frozen=True, slots=True)
class PeoplePage:
    rows: list[AgreementRow]
    alphas: list[Alpha]
    disputes: list[Dispute]
    page: Page[DisputedBattle]
    judge: Judge | None
    undecided: int
    split: int


def people_page(
    *, include_demo: bool, wanted: Wanted = Wanted(), figures: PeopleFigures | None = None
) -> PeoplePage:
    """Everything the page shows, from ``figures`` or from the rows as they are now."""
    figures = figures or people_figures(include_demo=include_demo)
    judges = Judge.objects.in_bulk({row.judge_id for row in figures.rows})
    rows = [
        AgreementRow(judges[row.judge_id], row.category, row.figures, row.disputes)
        for row in figures.rows
        if row.judge_id in judges
    ]
    rows.sort(key=lambda row: (str(row.judge), row.category))
    chosen = [dispute for dispute in figures.disputes if wanted.takes(dispute)]
    page = Paginator(chosen, SHOWN).get_page(wanted.page)
    battles = Battle.objects.select_related("model_a", "model_b", "question").in_bulk(
        {dispute.battle_id for dispute in page}
    )
    return PeoplePage(
        rows=rows,
        alphas=figures.alphas,
        disputes=[
            Dispute(
                battle=battles[dispute.battle_id],
                judge=judges[dispute.judge_id],
                people=(Outcome.MODEL_B if dispute.verdict == Outcome.MODEL_A else Outcome.MODEL_A),
                verdict=dispute.verdict,
                votes=dispute.votes,
            )
            for dispute in page
            if dispute.battle_id in battles and dispute.judge_id in judges
        ],
        page=page,
        judge=judges.get(wanted.judge_id or 0),
        undecided=figures.undecided,
        split=figures.split,
    )


def alpha_of_round(invite: InviteRound) -> Estimate:
    """Krippendorff's α between the annotators of one closed round."""
    units: dict[int, list[int]] = defaultdict(lambda: [0] * len(CODES))
    votes = Vote.objects.counted().filter(ballot__round=invite)
    for battle, outcome in votes.values_list("battle_id", "outcome"):
        units[battle][CODES[Outcome(outcome)]] += 1
    counts = np.array(list(units.values()), dtype=np.float64).reshape(len(units), len(CODES))
    return alpha_of_counts(counts, rounds=ROUNDS)
