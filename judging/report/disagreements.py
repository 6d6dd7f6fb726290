"""Where the verdict hung on the order, and where people decided otherwise."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from arena.models import Vote, VoteSource
from judging.agreement import (
    Estimate,
    PositionEffects,
    agreement,
    majority,
    position_effects,
)
from judging.models import JudgeRun, JudgmentQuerySet
from judging.people_figures import ROUNDS
from judging.report.examples import DISAGREEMENTS, Ids, drawn
from judging.report.results import SEED
from judging.report.scope import Decision
from judging.verdicts.base import Outcome


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

    ``undecided`` battles had votes, but the judge's own verdicts on them differ; they are left
    out. Each vote counts; intervals resample questions.
    """

    votes: int
    battles: int
    undecided: int
    with_ties: Estimate
    without_ties: Estimate
    disputed: int
    picks: list[PeoplesVerdict]


def orders(found: Sequence[Decision], *, seed: int) -> Orders:
    """How often, and how, the order decided."""
    both = [decision for decision in found if len({game.game for game in decision.games}) == 2]
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


def people(run: JudgeRun, counted: JudgmentQuerySet, found: Sequence[Decision]) -> People:
    """Hold the judge's verdicts against the votes; one query."""
    by_battle: defaultdict[int, list[Decision]] = defaultdict(list)
    for decision in found:
        by_battle[decision.first.battle].append(decision)
    tallies: defaultdict[int, Counter[Outcome]] = defaultdict(Counter)
    for battle, outcome in _votes(run, counted):
        tallies[battle][Outcome(outcome)] += 1
    said = {battle: _verdict(by_battle[battle]) for battle in tallies}
    met = [
        (vote, verdict, by_battle[battle][0].first.question)
        for battle, verdict in said.items()
        if verdict is not None
        for vote in tallies[battle].elements()
    ]
    votes, verdicts = [row[0] for row in met], [row[1] for row in met]
    questions = [row[2] for row in met]
    disputes = [
        dispute
        for battle, verdict in said.items()
        if verdict and (dispute := _dispute(by_battle[battle], verdict, tallies[battle]))
    ]
    return People(
        votes=len(met),
        battles=sum(verdict is not None for verdict in said.values()),
        undecided=sum(verdict is None for verdict in said.values()),
        with_ties=agreement(votes, verdicts, questions, rounds=ROUNDS),
        without_ties=agreement(votes, verdicts, questions, ties="drop", rounds=ROUNDS),
        disputed=len(disputes),
        picks=drawn(disputes, DISAGREEMENTS, seed=run.seed, about="people"),
    )


def _votes(run: JudgeRun, counted: JudgmentQuerySet) -> list[tuple[int, str]]:
    rows = Vote.objects.counted().filter(battle__in=counted.order_by().values("battle"))
    if not run.question_set.is_demo:
        rows = rows.exclude(source=VoteSource.DEMO)
    return list(rows.order_by("battle_id", "id").values_list("battle_id", "outcome"))


def _verdict(found: Sequence[Decision]) -> Outcome | None:
    outcomes = {decision.outcome for decision in found}
    return outcomes.pop() if len(outcomes) == 1 else None


def _dispute(
    found: Sequence[Decision], verdict: Outcome, tally: Counter[Outcome]
) -> PeoplesVerdict | None:
    choice = majority(tally.elements())
    if choice is None or choice != verdict.swapped() or choice == verdict:
        return None
    return PeoplesVerdict(found[0].first.battle, choice, tally[choice], tally.total(), found[0].ids)
