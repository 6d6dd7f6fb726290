"""What staff see of the votes as they come in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from django.db.models import Avg, Count, Q
from django.utils import timezone

from arena.keeping import Json, Keeper, Packed
from arena.models import Ballot, Exclusion, IntegrityAction, Vote, Voter, VoteSource
from arena.voting.battle_review import battles_left_out
from arena.voting.outliers import OutlierTest
from arena.voting.review import gold_failures, outlier_tests

SHOWN: Final = 40
OUTLIERS_SHOWN: Final = (
    30  # of them, so that the busiest voters can be seen whatever the test finds
)


@dataclass(frozen=True, slots=True)
class TestedVoter:
    """``evidence`` is ln ∏ 1/(2p), None where there were too few votes to test."""

    pk: int
    evidence: float | None
    is_outlier: bool


@dataclass(frozen=True, slots=True)
class IntegrityFigures:
    """What takes a look at every vote. ``votes`` were cast here. Of all votes, ``marked`` are left
    out for a reason of their own, ``unfit`` for their battle's alone.
    """

    votes: int
    counted: int
    marked: dict[str, int]
    unfit: dict[str, int]
    voters: list[TestedVoter]


@dataclass(frozen=True, slots=True)
class VoterRow:
    """One voter's record; ``left_share`` near 0 or 1 is a habit."""

    voter: Voter
    tested: TestedVoter
    votes: int
    marked: int
    left_share: float
    reading_s: float | None
    gold_failed: int
    gold_answered: int


def integrity_page() -> dict[str, Any]:  # template context
    """Counts by time and reason, the latest marked votes and battles, the busiest and strangest
    voters.
    """
    dated = INTEGRITY.get()
    marked = Vote.objects.filter(source=VoteSource.HUMAN).exclude(exclusion="")
    return {
        "counts": _lately(),
        "dated": dated,
        "reasons": _reasons(dated.figures) if dated else [],
        "voters": _voter_rows(dated.figures.voters) if dated else [],
        "marked": marked.select_related(
            "battle__model_a", "battle__model_b", "voter", "ballot"
        ).order_by("-id")[:SHOWN],
        "battles": battles_left_out(SHOWN),
        "actions": IntegrityAction.objects.select_related("voter", "done_by")[:SHOWN],
    }


def _lately() -> dict[str, int]:
    now = timezone.now()
    spans = {"minute": dt.timedelta(minutes=1), "hour": dt.timedelta(hours=1)}
    votes = Vote.objects.filter(
        source=VoteSource.HUMAN, created_at__gt=now - dt.timedelta(days=1)
    ).order_by()
    return votes.aggregate(
        day=Count("id"),
        **{name: Count("id", filter=Q(created_at__gt=now - span)) for name, span in spans.items()},
    )


def _reasons(figures: IntegrityFigures) -> list[tuple[str, int, str]]:
    """Votes left out by reason, the most frequent first; with the reason's code where it can be
    lifted from all the votes that carry it.
    """
    marked, unfit = figures.marked, figures.unfit
    counts = {
        reason: marked.get(reason, 0) + unfit.get(reason, 0) for reason in {**marked, **unfit}
    }
    return [
        (
            str(Exclusion(reason).label),
            n,
            reason if reason in marked and reason != Exclusion.CONTROL else "",
        )
        for reason, n in sorted(counts.items(), key=lambda entry: -entry[1])
    ]


def _voter_rows(tested: Sequence[TestedVoter]) -> list[VoterRow]:
    """In the order given; what staff change on the page is read anew each time."""
    ids = [each.pk for each in tested]
    left = Q(outcome="model_a", shown_first="a") | Q(outcome="model_b", shown_first="b")
    records = (
        Vote.objects.filter(source=VoteSource.HUMAN, voter__in=ids)
        .order_by()
        .values("voter_id")
        .annotate(
            votes=Count("id"),
            marked=Count("id", filter=~Q(exclusion="")),
            left=Count("id", filter=left),
            decisive=Count("id", filter=Q(outcome__in=("model_a", "model_b"))),
        )
    )
    by_voter = {record["voter_id"]: record for record in records}
    ballots = Ballot.objects.filter(voter__in=ids).order_by().values_list("voter_id")
    reading = dict(ballots.annotate(mean=Avg("reading_s")))
    gold = gold_failures(ids)
    voters = Voter.objects.select_related("user").in_bulk(ids)
    return [
        VoterRow(
            voter=voters[each.pk],
            tested=each,
            votes=record["votes"],
            marked=record["marked"],
            left_share=record["left"] / record["decisive"] if record["decisive"] else 0.5,
            reading_s=reading.get(each.pk),
            gold_failed=gold.get(each.pk, (0, 0))[0],
            gold_answered=gold.get(each.pk, (0, 0))[1],
        )
        for each in tested
        if each.pk in voters and (record := by_voter.get(each.pk))
    ]


# -- what takes a look at every vote ------------------------------------------------------------


def integrity_figures() -> IntegrityFigures:
    """All of it, of this moment."""
    votes = counted = 0
    marked: dict[str, int] = {}
    unfit: dict[str, int] = {}
    own_reasons = Vote.objects.order_by().values_list("source", "exclusion")
    for source, reason, n in own_reasons.annotate(n=Count("id")):
        votes += n if source == VoteSource.HUMAN else 0
        if reason:
            marked[reason] = marked.get(reason, 0) + n
        elif source == VoteSource.HUMAN:
            counted += n
    # few battles are left out: a look at each vote's battle would take longer than all the rest
    others = Vote.objects.filter(exclusion="").exclude(battle__exclusion="").order_by()
    reasons = others.values_list("source", "battle__exclusion")
    for source, reason, n in reasons.annotate(n=Count("id")):
        unfit[reason] = unfit.get(reason, 0) + n
        counted -= n if source == VoteSource.HUMAN else 0
    return IntegrityFigures(votes, counted, marked, unfit, _tested_voters())


def _tested_voters() -> list[TestedVoter]:
    """Outliers first, by their evidence, then those who vote most."""
    tests = outlier_tests()
    outliers = sorted(
        (pk for pk, test in tests.items() if test.is_outlier),
        key=lambda pk: -tests[pk].log_evidence,
    )[:OUTLIERS_SHOWN]
    busiest = (
        Vote.objects.filter(source=VoteSource.HUMAN, voter__isnull=False)
        .order_by()
        .values_list("voter_id")
        .annotate(n=Count("id"))
        .order_by("-n", "voter_id")
        .values_list("voter_id", flat=True)[:SHOWN]
    )
    chosen = dict.fromkeys([*outliers, *(pk or 0 for pk in busiest)])
    return [_tested(pk, tests.get(pk)) for pk in chosen][:SHOWN]


def _tested(pk: int, test: OutlierTest | None) -> TestedVoter:
    return TestedVoter(pk, test.log_evidence if test else None, bool(test and test.is_outlier))


def _packed(figures: IntegrityFigures) -> Packed:
    return asdict(figures), b""


def _unpacked(told: Json, _columns: bytes) -> IntegrityFigures:
    voters = [TestedVoter(**each) for each in told["voters"]]
    return IntegrityFigures(**told | {"voters": voters})


INTEGRITY: Final = Keeper(
    name="arena.voting.integrity.INTEGRITY",
    form=1,
    work_out=integrity_figures,
    pack=_packed,
    unpack=_unpacked,
)
