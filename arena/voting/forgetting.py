"""Forgetting visitors who left nothing behind, and sign-ins past their time.

Whoever opens a page to vote on is made known, with a battle handed out: crawlers too, with a new
cookie at every visit. A week later nothing of such a visitor is of use to anybody. Everything is
done in short transactions with pauses in between, as SQLite has one writer, and for a few seconds
per call. Two may do it at once, and any of them may be killed.
"""

from __future__ import annotations

import datetime as dt
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from importlib import import_module
from typing import Any, Final

from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.db import models, router, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from arena.models import (
    Annotator,
    Ballot,
    BallotStatus,
    IntegrityAction,
    InviteRound,
    SatisfactionRating,
    Vote,
    Voter,
    VoterSession,
)

# seven times as long as a ballot is good for: whoever comes back gets a new one in any case
IDLE_FOR: Final = dt.timedelta(days=7)
AT_ONCE: Final = 500  # visitors, with what is theirs, per transaction
SECONDS_AT_ONCE: Final = 5.0  # less than a worker that is told to stop is given
PAUSE_S: Final = 0.1  # others write meanwhile

_Model = type[models.Model]
# any row of these is something; the last are those who became part of the voter
_ALWAYS_KEEP: Final[tuple[tuple[_Model, str], ...]] = (
    (Vote, "voter"),
    (Annotator, "voter"),
    (IntegrityAction, "voter"),
    (InviteRound.voters.through, "voter"),
    (Voter, "merged_into"),
)
# a mere visit leaves these, and they go with the visitor
_OF_A_VISIT: Final[tuple[_Model, ...]] = (Ballot, SatisfactionRating, VoterSession)


def _keeps(since: dt.datetime) -> dict[_Model, Q]:
    """What of ``_OF_A_VISIT`` is more than a visit, or not long enough ago."""
    return {
        Ballot: ~Q(status=BallotStatus.OPEN) | Q(drawn_at__gte=since),
        SatisfactionRating: Q(score__isnull=False) | Q(drawn_at__gte=since),
        VoterSession: Q(consented_at__isnull=False) | Q(created_at__gte=since),
    }


def _of_voter(model: _Model, column: str = "voter") -> models.QuerySet[Any]:
    return model._default_manager.filter(**{column: OuterRef("pk")})


def _anonymous(since: dt.datetime) -> models.QuerySet[Voter]:
    """Voters whose own row says nothing, made before ``since``."""
    return Voter.objects.filter(
        created_at__lt=since,
        user__isnull=True,
        merged_into__isnull=True,
        is_expert=False,
        is_demo=False,
    )


def _idle(ids: Collection[int], since: dt.datetime) -> set[int]:
    """Those of few voters who were visitors, and left nothing behind; imported ones were none."""
    rows = _anonymous(since).filter(Exists(_of_voter(VoterSession)), pk__in=ids)
    for model, column in _ALWAYS_KEEP:
        rows = rows.filter(~Exists(_of_voter(model, column)))
    for model, keeps in _keeps(since).items():
        rows = rows.filter(~Exists(_of_voter(model).filter(keeps)))
    return set(rows.values_list("pk", flat=True))


def _pages(after: int, since: dt.datetime) -> Iterator[tuple[int, set[int]]]:
    """Idle visitors, a few at a time, with the id up to which voters have been looked at.

    In two statements, or a database would join whole tables for a few rows.
    """
    while True:
        rows = _anonymous(since).filter(pk__gt=after).order_by("pk")
        ids = list(rows.values_list("pk", flat=True)[:AT_ONCE])
        if not ids:
            return
        after = ids[-1]
        yield after, _idle(ids, since)


def count_idle_visitors() -> int:
    """How many would be forgotten now."""
    return sum(len(idle) for _, idle in _pages(0, timezone.now() - IDLE_FOR))


def forget_idle_visitors(
    *,
    after: int = 0,
    seconds: float = SECONDS_AT_ONCE,
    pause: Callable[[float], object] = time.sleep,
) -> tuple[int, int | None]:
    """Remove visitors with an id beyond ``after`` who left nothing behind, for so long.

    Returns how many went, and where to go on; None when all have been looked at.
    """
    until, forgotten = time.monotonic() + seconds, 0
    since = timezone.now() - IDLE_FOR
    for looked_at, idle in _pages(after, since):
        if idle:
            forgotten += _forget(idle, since)
            pause(PAUSE_S)
        if time.monotonic() >= until:
            return forgotten, looked_at
    return forgotten, None


@transaction.atomic
def _forget(ids: set[int], since: dt.datetime) -> int:
    """Those of them who are idle still, looked at while nobody can do anything for them.

    Nobody is waited for, who might be waiting for us: where a row is in somebody's hands, the
    visitor is back.
    """
    voters = Voter.objects.filter(pk__in=ids).select_for_update(skip_locked=True)
    idle = set(voters.values_list("pk", flat=True))
    for model in _OF_A_VISIT:
        idle -= _in_use(model, idle)
    idle = _idle(idle, since)
    for model in _OF_A_VISIT:
        _delete(model._default_manager.filter(voter__in=idle))
    _delete(Voter.objects.filter(pk__in=idle))
    return len(idle)


def _in_use(model: _Model, ids: set[int]) -> set[int]:
    """Voters who have rows that could not be locked; the others' are."""
    rows = model._default_manager.filter(voter__in=ids).order_by()
    locked = rows.select_for_update(skip_locked=True)
    ours = Counter(locked.values_list("voter_id", flat=True))
    return set(Counter(rows.values_list("voter_id", flat=True)) - ours)


def _delete(rows: models.QuerySet[Any]) -> None:
    """In one statement: what points at these rows has been looked for already, and the database
    refuses where it has not.
    """
    rows._raw_delete(router.db_for_write(rows.model))


def forget_expired_sessions(
    *, seconds: float = SECONDS_AT_ONCE, pause: Callable[[float], object] = time.sleep
) -> tuple[int, bool]:
    """Remove Django's sessions past their time, where the database keeps them, for so long.

    Returns how many went, and whether that was all.
    """
    if not issubclass(import_module(settings.SESSION_ENGINE).SessionStore, SessionStore):
        return 0, True
    until, forgotten = time.monotonic() + seconds, 0
    while gone := _forget_sessions():
        forgotten += gone
        if time.monotonic() >= until:
            return forgotten, False
        pause(PAUSE_S)
    return forgotten, True


@transaction.atomic
def _forget_sessions() -> int:
    expired = Session.objects.filter(expire_date__lt=timezone.now()).order_by("expire_date")
    ours = expired.select_for_update(skip_locked=True).values_list("pk", flat=True)[:AT_ONCE]
    return Session.objects.filter(pk__in=list(ours)).delete()[0]
