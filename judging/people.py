"""People and judges on the same battles: how far they agree, by category, and where they do not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.utils.functional import Promise

from arena.models import Battle, InviteRound, Vote, VoteSource
from arena.vocabulary import category_label
from judging.agreement import Estimate, agreement, cohen_kappa, krippendorff_alpha, majority
from judging.models import Judge, Judgment
from judging.verdicts.base import Outcome

EVERYTHING = ""
SHOWN = 30
ROUNDS = 400  # bootstrap rounds; the page is live, and two digits are shown
_CODES = {"model_a": 0.0, "model_b": 1.0, "tie": 2.0, "both_bad": 3.0}


@dataclass(frozen=True, slots=True)
class Meeting:
    """One vote and one judge's verdict on the same battle."""

    battle_id: int
    question_id: int
    category: str
    judge_id: int
    vote: str
    verdict: str


@dataclass(frozen=True, slots=True)
class AgreementRow:
    """``judge`` is None for people among themselves."""

    label: str | Promise
    judge: Judge | None
    with_ties: Estimate
    without_ties: Estimate
    kappa: Estimate


@dataclass(frozen=True, slots=True)
class AlphaRow:
    label: str | Promise
    alpha: Estimate


@dataclass(frozen=True, slots=True)
class Dispute:
    """A battle on which the people's majority and a judge decided for different models."""

    battle: Battle
    judge: Judge
    people: str
    verdict: str
    votes: int


@dataclass(slots=True)
class PeoplePage:
    """``undecided`` verdicts changed with the order; ``split`` battles have votes of two people or
    more, and no outcome that most of them named."""

    rows: list[AgreementRow] = field(default_factory=list)
    alphas: list[AlphaRow] = field(default_factory=list)
    disputes: list[Dispute] = field(default_factory=list)
    undecided: int = 0
    split: int = 0


def people_page(*, include_demo: bool) -> PeoplePage:
    """Everything the page shows, from the rows as they are now."""
    votes = _votes(include_demo)
    verdicts, undecided = _verdicts({vote[0] for vote in votes})
    meetings = [
        Meeting(battle, question, category, judge, outcome, verdict)
        for battle, question, category, outcome in votes
        for judge, verdict in verdicts.get(battle, ())
    ]
    judges = Judge.objects.in_bulk({meeting.judge_id for meeting in meetings})
    page = PeoplePage(undecided=undecided)
    for judge in sorted(judges.values(), key=str):
        own = [meeting for meeting in meetings if meeting.judge_id == judge.pk]
        for category in (EVERYTHING, *sorted({meeting.category for meeting in own} - {""})):
            page.rows.append(_agreement_row(category, judge, own))
    page.alphas = _alphas(votes)
    page.disputes, page.split = _disputes(meetings, judges)
    return page


def _votes(include_demo: bool) -> list[tuple[int, int, str, str]]:
    rows = Vote.objects.counted().filter(battle__question__isnull=False)
    if not include_demo:
        rows = rows.exclude(source=VoteSource.DEMO)
    return [
        (battle, question or 0, category, outcome)
        for battle, question, category, outcome in rows.values_list(
            "battle_id", "battle__question_id", "battle__question__category", "outcome"
        )
    ]


def _verdicts(battles: set[int]) -> tuple[dict[int, list[tuple[int, str]]], int]:
    """Per battle each judge's verdict; a judge whose games disagree is counted and left out."""
    said: dict[tuple[int, int], set[str]] = defaultdict(set)
    rows = Judgment.objects.counted().exclude(outcome="").filter(battle__isnull=False)
    for battle, judge, outcome in rows.values_list("battle_id", "judge_id", "outcome"):
        if battle in battles:
            said[battle or 0, judge].add(outcome)
    found: dict[int, list[tuple[int, str]]] = defaultdict(list)
    for (battle, judge), outcomes in said.items():
        if len(outcomes) == 1:
            found[battle].append((judge, next(iter(outcomes))))
    return found, sum(len(outcomes) > 1 for outcomes in said.values())


def _agreement_row(category: str, judge: Judge, meetings: Iterable[Meeting]) -> AgreementRow:
    chosen = [m for m in meetings if category in (EVERYTHING, m.category)]
    people = [Outcome(meeting.vote) for meeting in chosen]
    machine = [Outcome(meeting.verdict) for meeting in chosen]
    clusters = [meeting.question_id for meeting in chosen]
    return AgreementRow(
        label=category_label(category) if category else "",
        judge=judge,
        with_ties=agreement(people, machine, clusters, rounds=ROUNDS),
        without_ties=agreement(people, machine, clusters, ties="drop", rounds=ROUNDS),
        kappa=cohen_kappa(people, machine, clusters, rounds=ROUNDS),
    )


def _alphas(votes: Sequence[tuple[int, int, str, str]]) -> list[AlphaRow]:
    """Krippendorff's α between people, on battles that several judged, in all and by category."""
    units: dict[str, dict[int, list[float | None]]] = defaultdict(lambda: defaultdict(list))
    for battle, _question, category, outcome in votes:
        for group in {EVERYTHING, category}:
            units[group][battle].append(_CODES[outcome])
    rows = [
        AlphaRow(
            category_label(category) if category else "",
            krippendorff_alpha(list(by_battle.values()), rounds=ROUNDS),
        )
        for category, by_battle in sorted(units.items())
    ]
    return [row for row in rows if row.alpha.n]


def alpha_of_round(invite: InviteRound) -> Estimate:
    """Krippendorff's α between the annotators of one closed round."""
    units: dict[int, list[float | None]] = defaultdict(list)
    votes = Vote.objects.counted().filter(ballot__round=invite)
    for battle, outcome in votes.values_list("battle_id", "outcome"):
        units[battle].append(_CODES[outcome])
    return krippendorff_alpha(list(units.values()), rounds=ROUNDS)


def _disputes(meetings: Sequence[Meeting], judges: dict[int, Judge]) -> tuple[list[Dispute], int]:
    """Where most people and a judge chose different sides, and how many battles' votes split."""
    tallies: defaultdict[tuple[int, int], list[Outcome]] = defaultdict(list)
    verdicts: dict[tuple[int, int], Outcome] = {}
    for meeting in meetings:
        key = meeting.battle_id, meeting.judge_id
        tallies[key].append(Outcome(meeting.vote))
        verdicts[key] = Outcome(meeting.verdict)
    chosen = {key: majority(votes) for key, votes in tallies.items()}
    found = [
        key
        for key, people in chosen.items()
        if people is not None and people.is_decisive and people == verdicts[key].swapped()
    ]
    found.sort(key=lambda key: (-len(tallies[key]), -key[0]))
    battles = Battle.objects.select_related("model_a", "model_b", "question").in_bulk(
        {battle for battle, _ in found[:SHOWN]}
    )
    disputes = [
        Dispute(
            battle=battles[battle],
            judge=judges[judge],
            people=verdicts[battle, judge].swapped(),
            verdict=verdicts[battle, judge],
            votes=len(tallies[battle, judge]),
        )
        for battle, judge in found[:SHOWN]
    ]
    return disputes, len({battle for (battle, _), people in chosen.items() if people is None})
