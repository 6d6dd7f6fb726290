"""Where the verdict hung on the order, and where people decided otherwise."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from arena.models import Vote, VoteSource, WorkStatus
from judging.agreement import (
    CODES,
    NO_VERDICT,
    OUTCOMES,
    Estimate,
    PositionEffects,
    agreement,
    majority,
    position_effects,
    position_kind,
    verdicts_of_battles,
)
from judging.models import JudgeRun, JudgmentQuerySet
from judging.people_figures import ROUNDS
from judging.report.examples import DISAGREEMENTS, Ids, drawn
from judging.report.results import SEED
from judging.report.scope import Decision, compared, decisions, scope_of
from judging.verdicts.base import Outcome

# what the rows behind each figure have in common, by the figure's key in addresses
FIGURES: dict[str, str | Promise] = {
    "both_orders": _("Judged in both orders"),
    "order_consistent": _("The same verdict in both orders"),
    "order_first": _("Whoever is shown first wins"),
    "order_second": _("Whoever is shown second wins"),
    "order_other": _("A tie in one order only"),
    "order_changed": _("The order decided"),
    "people": _("Battles with votes"),
    "people_decided": _("People and the judge decided for a side"),
    "people_wavering": _("Battles with votes on which the order decided"),
    "people_disputed": _("Most people chose the other model"),
}


@dataclass(frozen=True, slots=True)
class Orders:
    """The two orders against each other, over pairs that were judged in both."""

    pairs: int
    effects: PositionEffects
    differing: int
    picks: list[Ids]


@dataclass(frozen=True, slots=True)
class PeoplesVerdict:
    """A battle on which most people chose the other model: their votes, and the judgments."""

    battle: int
    people: Outcome
    votes_for: int
    votes: int
    ids: Ids


@dataclass(frozen=True, slots=True)
class People:
    """The judge against people's votes on the same battles.

    ``wavering`` verdicts on such battles changed with the order and count as ties. Each vote
    counts; intervals resample questions.
    """

    votes: int
    battles: int
    wavering: int
    with_ties: Estimate
    without_ties: Estimate
    disputed: int
    picks: list[PeoplesVerdict]


@dataclass(frozen=True, slots=True)
class _Met:
    """A battle that the judge and people have decided."""

    verdict: Outcome
    wavers: bool
    tally: Counter[Outcome]
    found: tuple[Decision, ...]

    @property
    def dispute(self) -> PeoplesVerdict | None:
        choice = majority(self.tally.elements())
        if choice is None or not choice.is_decisive or choice != self.verdict.swapped():
            return None
        first = self.found[0]
        votes_for, votes = self.tally[choice], self.tally.total()
        return PeoplesVerdict(first.first.battle, choice, votes_for, votes, first.ids)

    @property
    def has_sides(self) -> bool:
        """Whether both sides named a winner, at least one voter among the people."""
        return self.verdict.is_decisive and any(vote.is_decisive for vote in self.tally)


def orders(found: Sequence[Decision], *, seed: int) -> Orders:
    """How often, and how, the order decided."""
    both = _in_both_orders(found)
    first = [decision.games[0].outcome for decision in both]
    second = [decision.games[-1].outcome for decision in both]
    questions = [decision.first.question for decision in both]
    differing = [decision.ids for decision in both if decision.outcome is None]
    return Orders(
        pairs=len(both),
        effects=position_effects(first, second, questions, seed=SEED),
        differing=len(differing),
        picks=drawn(differing, DISAGREEMENTS, seed=seed, about="orders"),
    )


def people(run: JudgeRun, judgments: JudgmentQuerySet, found: Sequence[Decision]) -> People:
    """Hold the judge's verdicts against the votes; two queries.

    ``found`` are the decisions of ``judgments``, of which some may not count.
    """
    met = _met(run, judgments, found)
    pairs = [
        (vote, each.verdict, each.found[0].first.question)
        for each in met
        for vote in each.tally.elements()
    ]
    votes, verdicts = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    questions = [pair[2] for pair in pairs]
    disputes = [dispute for each in met if (dispute := each.dispute)]
    return People(
        votes=len(pairs),
        battles=len(met),
        wavering=sum(each.wavers for each in met),
        with_ties=agreement(votes, verdicts, questions, rounds=ROUNDS),
        without_ties=agreement(votes, verdicts, questions, ties="drop", rounds=ROUNDS),
        disputed=len(disputes),
        picks=drawn(disputes, DISAGREEMENTS, seed=run.seed, about="people"),
    )


def rows_behind(run: JudgeRun, figure: str) -> frozenset[int]:
    """The judgments that a figure of ``FIGURES`` rests on, by primary key."""
    judgments = scope_of(run)
    found = decisions(compared(judgments.counted_in_reports()))
    if not figure.startswith("people"):
        chosen = [decision for decision in _in_both_orders(found) if _is_of(decision, figure)]
    else:
        met = _met(run, judgments, found)
        chosen = [decision for each in met if _is_behind(each, figure) for decision in each.found]
    return frozenset(pk for decision in chosen for pk in decision.ids)


def _in_both_orders(found: Sequence[Decision]) -> list[Decision]:
    return [decision for decision in found if len({game.game for game in decision.games}) == 2]


def _is_of(decision: Decision, figure: str) -> bool:
    if figure == "both_orders":
        return True
    if figure == "order_changed":
        return decision.outcome is None
    kind = position_kind(decision.games[0].outcome, decision.games[-1].outcome)
    return figure == f"order_{kind}"


def _is_behind(met: _Met, figure: str) -> bool:
    if figure == "people_decided":
        return met.has_sides
    if figure == "people_wavering":
        return met.wavers
    return figure == "people" or met.dispute is not None


def _met(run: JudgeRun, judgments: JudgmentQuerySet, found: Sequence[Decision]) -> list[_Met]:
    tallies: defaultdict[int, Counter[Outcome]] = defaultdict(Counter)
    for battle, outcome in _votes(run, judgments):
        tallies[battle][Outcome(outcome)] += 1
    by_battle: defaultdict[int, list[Decision]] = defaultdict(list)
    for decision in found:
        if decision.first.battle in tallies:
            by_battle[decision.first.battle].append(decision)
    games = [
        (game.battle, game.turn, CODES[game.outcome])
        for decided in by_battle.values()
        for decision in decided
        for game in decision.games
        if game.repeat == 0
    ]
    games += [(battle, turn, NO_VERDICT) for battle, turn in _unanswered(judgments)]
    battles, turns, codes = np.array(games, dtype=np.int64).reshape(-1, 3).T
    said = verdicts_of_battles(battles, np.zeros_like(battles), turns, codes)
    columns = zip(said.battles.tolist(), said.outcomes.tolist(), said.wavers.tolist(), strict=True)
    return [
        _Met(OUTCOMES[code], wavers, tallies[battle], tuple(by_battle[battle]))
        for battle, code, wavers in columns
    ]


def _unanswered(judgments: JudgmentQuerySet) -> list[tuple[int, int]]:
    """Battle and turn of games that were asked for and do not count."""
    rows = judgments.filter(repeat=0).exclude(
        status=WorkStatus.DONE, is_readable=True, exclusion=""
    )
    return [(battle or 0, turn) for battle, turn in rows.values_list("battle_id", "turn")]


def _votes(run: JudgeRun, judgments: JudgmentQuerySet) -> list[tuple[int, str]]:
    rows = Vote.objects.counted().filter(battle__in=judgments.order_by().values("battle"))
    if not run.question_set.is_demo:
        rows = rows.exclude(source=VoteSource.DEMO)
    return list(rows.order_by("battle_id", "id").values_list("battle_id", "outcome"))
