"""Which rows a selection looks at, and what of them it reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from django.db.models import Q

from arena.models.battle import VoteQuerySet
from judging.models import JudgmentQuerySet


@dataclass(frozen=True, slots=True)
class Extras:
    """What a method reads beyond who won, so that nobody pays for what is not read.

    ``length``: the answers' style with length in this unit, or no style at all. Rows without it
    are left out where ``is_style_required``; else one such row means that nobody gets it.
    ``preference``: the judges' probabilities. ``question_names``: which questions they are.
    """

    length: Literal["", "words", "characters"] = ""
    is_style_required: bool = False
    preference: bool = False
    question_names: bool = False


NO_EXTRAS: Final = Extras()


@dataclass(frozen=True, slots=True)
class Watermark:
    """Up to where rows have been looked at, and the ids below that are still to be looked at."""

    last_vote: int = 0
    last_judgment: int = 0
    absent_votes: tuple[int, ...] = ()
    waiting: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Span:
    """Which rows to look at by id: what has come ``after``, or what was there ``until``."""

    after: Watermark | None = None
    until: Watermark | None = None

    def votes(self, votes: VoteQuerySet) -> VoteQuerySet:
        """Votes within the span."""
        if self.after:
            is_new = Q(id__gt=self.after.last_vote) | Q(id__in=self.after.absent_votes)
            votes = votes.filter(is_new)
        return votes.filter(id__lte=self.until.last_vote) if self.until else votes

    def judgments(self, judgments: JudgmentQuerySet) -> JudgmentQuerySet:
        """Judgments within the span."""
        if self.after:
            is_new = Q(id__gt=self.after.last_judgment) | Q(id__in=self.after.waiting)
            judgments = judgments.filter(is_new)
        return judgments.filter(id__lte=self.until.last_judgment) if self.until else judgments


EVERYTHING: Final = Span()
