"""The second way people judge: one answer, its model hidden, how content are you, 1 to 5."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
from django.db import IntegrityError, transaction
from django.db.models import Count, Q, QuerySet
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from arena.models import Exclusion, LanguageModel, SatisfactionRating
from arena.voting.casting import REASONS
from arena.voting.clustered import ClusteredMean, clustered_mean
from arena.voting.doubts import fastest_reading_s
from arena.voting.policy import current_policy
from arena.voting.pool import EVERYTHING, POOLS, AnswerPool
from arena.voting.texts import read_facts
from arena.voting.voters import Visitor, has_signed_out

TRIES = 12
LEFT_READ_AT_MOST = 200
SCALE: dict[int, str | Promise] = {
    1: _("not at all"),
    2: _("hardly"),
    3: _("partly"),
    4: _("mostly"),
    5: _("fully"),
}
_RANDOM = np.random.default_rng()


class RatingError(ValueError):
    """The rating cannot be taken; the text says why."""


@dataclass(frozen=True, slots=True)
class ModelSatisfaction:
    model: LanguageModel
    figure: ClusteredMean


def next_rating(
    visitor: Visitor, random: np.random.Generator = _RANDOM
) -> SatisfactionRating | None:
    """The rating left open, or a new one on an answer the voter has not rated."""
    mine = SatisfactionRating.objects.filter(voter=visitor.voter)
    kept = mine.filter(score__isnull=True).select_related("answer").order_by("id").first()
    if kept is not None:
        return kept
    pool = POOLS.get(EVERYTHING)
    for answer in chain(_at_random(pool, random), _left_over(pool, mine, random)):
        facts = read_facts((answer,)).get(answer)
        if facts is None or facts.doubt or mine.filter(answer=answer).exists():
            continue
        try:
            with transaction.atomic():
                return SatisfactionRating.objects.create(
                    voter=visitor.voter, answer_id=answer, address_key=visitor.address_key
                )
        except IntegrityError:
            continue
    return None


def _at_random(pool: AnswerPool, random: np.random.Generator) -> Iterator[int]:
    """A few answers, each model alike."""
    for _attempt in range(TRIES if pool.models else 0):
        row = int(random.integers(len(pool.models)))
        yield int(random.choice(pool.answers[row]))


def _left_over(
    pool: AnswerPool, mine: QuerySet[SatisfactionRating], random: np.random.Generator
) -> Iterator[int]:
    """What a few tries at random have missed, for a voter who has rated nearly everything."""
    if pool.models:
        rated = np.array(list(mine.values_list("answer_id", flat=True)), dtype=np.int64)
        left = np.setdiff1d(np.concatenate(pool.answers), rated)
        yield from (int(answer) for answer in random.permutation(left)[:LEFT_READ_AT_MOST])


def rate_answer(
    *, visitor: Visitor | None, token: str, score: int, reasons: Sequence[str] = ()
) -> SatisfactionRating:
    """Give the score; the row takes it once."""
    if visitor is None:
        raise _refusal_of(visitor, token)
    if score not in SCALE:
        raise RatingError(str(_("Choose one of the five steps.")))
    rating = _handed_out(visitor, token)
    now = timezone.now()
    exclusion = _doubt(visitor, rating, now)
    taken = SatisfactionRating.objects.filter(pk=rating.pk, score__isnull=True).update(
        score=score,
        reasons=[reason for reason in REASONS if reason in reasons],
        rated_at=now,
        exclusion=exclusion,
    )
    rating = _handed_out(visitor, token)  # it may have gone, with a visitor who was idle for long
    if not taken:
        raise RatingError(str(_("You have rated this answer already; the first rating counts.")))
    return rating


def _handed_out(visitor: Visitor, token: str) -> SatisfactionRating:
    mine = SatisfactionRating.objects.filter(token=token[:64], voter=visitor.voter)
    rating = mine.first()
    if rating is None:
        raise _refusal_of(visitor, token)
    return rating


def _refusal_of(visitor: Visitor | None, token: str) -> RatingError:
    """Why the row of this token is not the visitor's."""
    rows = SatisfactionRating.objects.filter(token=token[:64])
    if has_signed_out(visitor, rows.values_list("voter", flat=True).first()):
        return RatingError(
            str(
                _(
                    "Since that answer was opened, you have been signed out, and nothing was "
                    "saved. Sign in again and it waits for you. Here is another one."
                )
            )
        )
    return RatingError(str(_("This answer was not handed out to you. Here is another one.")))


def _doubt(visitor: Visitor, rating: SatisfactionRating, now: dt.datetime) -> str:
    """The same caps and reading time as for votes; a flood beyond the minute's is refused."""
    policy = current_policy()
    mine = SatisfactionRating.objects.filter(voter=visitor.voter).order_by()
    here = SatisfactionRating.objects.filter(address_key=visitor.address_key or "unknown")

    def since(rows: QuerySet[SatisfactionRating], **length: float) -> int:
        return rows.filter(rated_at__gt=now - dt.timedelta(**length)).count()

    if since(mine, minutes=1) >= policy.refused_votes_per_minute:
        raise RatingError(str(_("That was very fast. Take a minute; this answer waits for you.")))
    if (
        since(mine, hours=1) >= policy.marked_votes_per_hour
        or since(mine, days=1) >= policy.marked_votes_per_day
        or since(here.order_by(), hours=1) >= policy.marked_votes_per_address_and_hour
    ):
        return Exclusion.RATE_LIMITED
    if visitor.voter.user_id is None:
        others = here.filter(answer=rating.answer_id, score__isnull=False, voter__user=None)
        if others.exclude(voter=visitor.voter).exists():
            return Exclusion.DUPLICATE
    is_too_fast = (now - rating.drawn_at).total_seconds() < fastest_reading_s(
        policy, (rating.answer_id,)
    )
    return Exclusion.TOO_FAST if is_too_fast else ""


def satisfaction_by_model() -> list[ModelSatisfaction]:
    """Counted ratings of every rated model, the most satisfying first."""
    rows = SatisfactionRating.objects.filter(score__isnull=False, exclusion="").values_list(
        "answer__model_id", "score", "voter_id", "answer__question_id"
    )
    by_model: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
    for number, (model, score, voter, question) in enumerate(rows):
        # a rating whose voter had their data removed stands for itself
        by_model[model].append((score or 0, voter or -1 - number, question))
    models = LanguageModel.objects.in_bulk(by_model)
    figures = [
        ModelSatisfaction(models[model], _figure(ratings)) for model, ratings in by_model.items()
    ]
    return sorted(figures, key=lambda entry: -entry.figure.mean)


def ratings_left_out() -> list[tuple[str, int]]:
    """Marked ratings by reason, the most frequent first."""
    rows = (
        SatisfactionRating.objects.filter(score__isnull=False)
        .exclude(exclusion="")
        .order_by()
        .values_list("exclusion")
        .annotate(n=Count("id"))
    )
    return [(str(Exclusion(reason).label), n) for reason, n in sorted(rows, key=lambda r: -r[1])]


def _figure(ratings: Sequence[tuple[int, int, int]]) -> ClusteredMean:
    """A mean cannot lie outside the scale, so its interval need not reach beyond it."""
    table = np.array(ratings, dtype=np.int64)
    _voters, voters = np.unique(table[:, 1], return_inverse=True)
    figure = clustered_mean(table[:, 0].astype(np.float64), voters.astype(np.int64), table[:, 2])
    lower, upper = np.clip([figure.lower, figure.upper], min(SCALE), max(SCALE))
    return replace(figure, lower=float(lower), upper=float(upper))


def count_rated(visitor: Visitor) -> tuple[int, int]:
    """The visitor's ratings, and those of them that are left out of the figures."""
    rows = SatisfactionRating.objects.filter(voter=visitor.voter, score__isnull=False)
    counts = rows.aggregate(all=Count("pk"), left_out=Count("pk", filter=~Q(exclusion="")))
    return counts["all"], counts["left_out"]
