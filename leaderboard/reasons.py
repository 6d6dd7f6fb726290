"""Why a stored row is not counted, as the database works it out; nothing is thrown away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from django.db.models import Case, Q, Value, When

from arena.models import Exclusion, WorkStatus

COUNTED = ""
REASONS: Final = (
    COUNTED,
    "dry_run",
    "judge_failed",
    "not_judged_yet",
    "unreadable_verdict",
    "no_outcome",
    "style_unknown",
    "marked_otherwise",
    *Exclusion.values,
)
"""Why a stored row is not counted; a row carries the position of its reason."""
CODES: Final[Mapping[str, int]] = {reason: code for code, reason in enumerate(REASONS)}


def vote_reason(include: Sequence[str]) -> Case:
    """The code in ``REASONS`` of why a vote is left out; 0 when it counts."""
    kept = ["", *include]
    return Case(
        When(exclusion__in=kept, battle__exclusion__in=kept, then=Value(0)),
        *_marks(include, "exclusion", "battle__exclusion"),
        default=Value(CODES["marked_otherwise"]),
    )


def verdict_reason(include: Sequence[str]) -> Case:
    """The code in ``REASONS`` of why a pairwise judgment is left out; 0 when it counts."""
    kept = ["", *include]
    is_counted = Q(status=WorkStatus.DONE, is_readable=True, is_dry_run=False) & ~Q(outcome="")
    return Case(
        When(is_counted, exclusion__in=kept, battle__exclusion__in=kept, then=Value(0)),
        *_unfinished(),
        When(outcome="", then=Value(CODES["no_outcome"])),
        *_marks(include, "exclusion", "battle__exclusion"),
        default=Value(CODES["marked_otherwise"]),
    )


def score_reason(include: Sequence[str]) -> Case:
    """The code in ``REASONS`` of why a single score is left out; 0 when it counts."""
    is_counted = Q(status=WorkStatus.DONE, is_readable=True, is_dry_run=False)
    return Case(
        When(is_counted, exclusion__in=["", *include], then=Value(0)),
        *_unfinished(),
        *_marks(include, "exclusion"),
        default=Value(CODES["marked_otherwise"]),
    )


def _unfinished() -> list[When]:
    unfinished = (WorkStatus.PENDING, WorkStatus.CLAIMED)
    return [
        When(is_dry_run=True, then=Value(CODES["dry_run"])),
        When(status=WorkStatus.FAILED, then=Value(CODES["judge_failed"])),
        When(status__in=unfinished, then=Value(CODES["not_judged_yet"])),
        When(is_readable=False, then=Value(CODES["unreadable_verdict"])),
    ]


def _marks(include: Sequence[str], *paths: str) -> list[When]:
    return [
        When(**{path: reason}, then=Value(CODES[reason]))
        for path in paths
        for reason in Exclusion.values
        if reason not in include
    ]
