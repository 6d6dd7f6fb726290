"""What staff see of the votes as they come in."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db.models import Avg, Count, Max, Q
from django.utils import timezone

from arena.models import Ballot, Exclusion, IntegrityAction, Vote, Voter, VoteSource
from arena.voting.outliers import OutlierTest
from arena.voting.review import gold_failures, outlier_tests

SHOWN = 40
STEPS = 1000


@dataclass(frozen=True, slots=True)
class VoterRow:
    """One voter's record; ``left_share`` near 0 or 1 is a habit, ``evidence`` is ln ∏ 1/(2p)."""

    voter: Voter
    votes: int
    marked: int
    left_share: float
    reading_s: float | None
    evidence: float | None
    is_outlier: bool
    gold_failed: int
    gold_answered: int


def integrity_page() -> dict[str, Any]:  # template context
    """Counts by time and reason, the latest marked votes, the busiest and strangest voters."""
    votes = Vote.objects.filter(source=VoteSource.HUMAN)
    return {
        "counts": _counts(votes),
        "reasons": _reasons(),
        "marked": votes.exclude(exclusion="")
        .select_related("battle__model_a", "battle__model_b", "voter", "ballot")
        .order_by("-id")[:SHOWN],
        "voters": voter_rows(),
        "actions": IntegrityAction.objects.select_related("voter", "done_by")[:SHOWN],
    }


def _counts(votes: Any) -> dict[str, int]:  # a queryset of votes
    now = timezone.now()
    return dict(
        votes.aggregate(
            minute=Count("id", filter=Q(created_at__gt=now - dt.timedelta(minutes=1))),
            hour=Count("id", filter=Q(created_at__gt=now - dt.timedelta(hours=1))),
            day=Count("id", filter=Q(created_at__gt=now - dt.timedelta(days=1))),
            all=Count("id"),
            counted=Count("id", filter=Q(exclusion="", battle__exclusion="")),
        )
    )


def _reasons() -> list[tuple[str, int, str]]:
    """Votes left out, by the first reason that applies: the vote's own, else its battle's. With the
    reason's code where it can be lifted from all the votes that carry it.
    """
    counts: dict[str, int] = {}
    liftable = set(
        Vote.objects.exclude(exclusion="").order_by().values_list("exclusion").distinct()
    )
    for path in ("exclusion", "battle__exclusion"):
        rows = Vote.objects.exclude(**{path: ""}).order_by().values_list(path)
        rows = rows.filter(exclusion="") if path != "exclusion" else rows
        for reason, n in rows.annotate(n=Count("id")):
            counts[reason] = counts.get(reason, 0) + n
    return [
        (
            str(Exclusion(reason).label),
            n,
            reason if (reason,) in liftable and reason != Exclusion.CONTROL else "",
        )
        for reason, n in sorted(counts.items(), key=lambda x: -x[1])
    ]


_known: dict[tuple[int, int], dict[int, OutlierTest]] = {}


def known_outlier_tests() -> dict[int, OutlierTest]:
    """As ``outlier_tests``, worked out anew once votes have grown by a thousandth or staff acted.

    The page asks every few seconds, and the tests read every vote.
    """
    newest = Vote.objects.aggregate(newest=Max("id"))["newest"] or 0
    acts = IntegrityAction.objects.aggregate(newest=Max("id"))["newest"] or 0
    key = (newest // max(newest // STEPS, 1), acts)
    if key not in _known:
        found = outlier_tests()
        _known.clear()
        _known[key] = found
    return _known[key]


def forget_outlier_tests() -> None:
    _known.clear()


def voter_rows() -> list[VoterRow]:
    """Outliers first, then those who vote most."""
    tests, gold = known_outlier_tests(), gold_failures()
    left = Q(outcome="model_a", shown_first="a") | Q(outcome="model_b", shown_first="b")
    rows = (
        Vote.objects.filter(source=VoteSource.HUMAN, voter__isnull=False)
        .order_by()
        .values("voter_id")
        .annotate(
            n=Count("id"),
            marked=Count("id", filter=~Q(exclusion="")),
            left=Count("id", filter=left),
            decisive=Count("id", filter=Q(outcome__in=("model_a", "model_b"))),
        )
        .order_by("-n")[: 5 * SHOWN]
    )
    reading = dict(
        Ballot.objects.filter(voter_id__in=[row["voter_id"] for row in rows])
        .order_by()
        .values_list("voter_id")
        .annotate(mean=Avg("reading_s"))
    )
    voters = Voter.objects.select_related("user").in_bulk([row["voter_id"] for row in rows])
    found = [
        VoterRow(
            voter=voters[row["voter_id"]],
            votes=row["n"],
            marked=row["marked"],
            left_share=row["left"] / row["decisive"] if row["decisive"] else 0.5,
            reading_s=reading.get(row["voter_id"]),
            evidence=test.log_evidence if test else None,
            is_outlier=bool(test and test.is_outlier),
            gold_failed=gold.get(row["voter_id"], (0, 0))[0],
            gold_answered=gold.get(row["voter_id"], (0, 0))[1],
        )
        for row in rows
        for test in (tests.get(row["voter_id"]),)
    ]
    found.sort(key=lambda row: (not row.is_outlier, -row.votes))
    return found[:SHOWN]
