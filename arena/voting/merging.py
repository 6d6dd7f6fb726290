"""Signing in: what a browser did without an account becomes the account's own.

Nothing is deleted. What the account has already done itself (a battle judged, an answer rated, a
name given in a round) stays with the anonymous voter, who from then on belongs to the account.
"""

from __future__ import annotations

from typing import Any, Final

from django.db import models, transaction
from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext as _

from arena.models import (
    Annotator,
    Ballot,
    BallotStatus,
    Exclusion,
    IntegrityAction,
    SatisfactionRating,
    Vote,
    Voter,
    VoterSession,
)


@transaction.atomic
def merge_voter(*, anonymous: Voter, account: Voter) -> int:
    """Give the account what the anonymous voter did; returns how many votes came along.

    A battle that both have judged, or an answer that both have rated, counts once: the earlier
    stands, the later is marked as a duplicate. Of two simultaneous calls the second finds nothing
    left to do.
    """
    free = Voter.objects.filter(pk=anonymous.pk, user__isnull=True, merged_into__isnull=True)
    if not free.exclude(pk=account.pk).update(merged_into=account):
        return 0
    _mark_later(Vote, "battle", "created_at", anonymous, account)
    _mark_later(SatisfactionRating, "answer", "rated_at", anonymous, account)
    _take_back_what_is_open(anonymous, account)
    _move(Ballot, "battle", anonymous, account)
    moved = _move(Vote, "battle", anonymous, account)
    _move(SatisfactionRating, "answer", anonymous, account)
    _move(Annotator, "round", anonymous, account)
    for invite in anonymous.rounds.all():
        invite.voters.add(account)
    Voter.objects.filter(merged_into=anonymous).update(merged_into=account)
    IntegrityAction.objects.filter(voter=anonymous).update(voter=account)
    VoterSession.objects.filter(voter=anonymous).update(voter=account)
    if anonymous.is_expert:
        Voter.objects.filter(pk=account.pk).update(is_expert=True)
        account.is_expert = True
    return moved


# of rows with a voter: the account's where theirs became part of one
OWNER: Final = Coalesce("voter__merged_into", "voter")


def voters_of(voter: Voter) -> QuerySet[Voter]:
    """The voter and the anonymous ones that became theirs."""
    return Voter.objects.filter(Q(pk=voter.pk) | Q(merged_into=voter))


class VoterGoneError(LookupError):
    """There is no such voter any more: their data was removed."""


def owner_id(voter_id: int) -> int:
    """The account's voter whom this one became part of, or the voter themselves; raises
    VoterGoneError.
    """
    return _owner_id(voter_id, Voter.objects.all())


def held_owner_id(voter_id: int) -> int:
    """As ``owner_id``; until the transaction ends nobody can make the voter part of another."""
    return _owner_id(voter_id, Voter.objects.select_for_update(no_key=True))


def _owner_id(voter_id: int, rows: QuerySet[Voter]) -> int:
    merged_into = list(rows.filter(pk=voter_id).values_list("merged_into", flat=True))
    if not merged_into:
        raise VoterGoneError(f"voter {voter_id} had their data removed; reload the page")
    return merged_into[0] or voter_id


def is_twin(subject: str) -> Q:
    """Rows on a ``subject`` that the same person has dealt with twice: signed in, and as one of the
    voters who became part of the account.
    """
    other = f"{subject}__voter"
    return Q(**{f"{other}__merged_into": F("voter")}) | Q(**{other: F("voter__merged_into")})


def _of(model: type[models.Model], voter: Voter) -> QuerySet[Any]:
    return model._default_manager.filter(voter=voter).order_by()


def _mark_later(
    model: type[models.Model], subject: str, moment: str, anonymous: Voter, account: Voter
) -> None:
    """Rows come with a reason of their own already or get this one."""
    changed = 0
    for mine, other in ((anonymous, account), (account, anonymous)):
        theirs = _of(model, other).filter(**{subject: OuterRef(subject)}).values(moment)[:1]
        later = _of(model, mine).filter(exclusion="").annotate(theirs=Subquery(theirs))
        # of two at the same moment the account's own stands
        is_later = Q(**{f"{moment}__gt": F("theirs")})
        if mine == anonymous:
            is_later |= Q(**{moment: F("theirs")})
        ids = list(later.filter(is_later).values_list("pk", flat=True))
        changed += model._default_manager.filter(pk__in=ids).update(exclusion=Exclusion.DUPLICATE)
    if changed:
        IntegrityAction.objects.create(
            voter=account,
            exclusion=Exclusion.DUPLICATE,
            detail=_("given before and after signing in; the first counts"),
            votes_changed=changed,
        )


def _take_back_what_is_open(anonymous: Voter, account: Voter) -> None:
    """What one of the two has dealt with must not be offered to the other again."""
    for mine, other in ((anonymous, account), (account, anonymous)):
        shown, rated = _of(Ballot, other), _of(SatisfactionRating, other)
        if mine == account:
            # what both were only shown waits for the account
            shown = shown.exclude(status__in=(BallotStatus.OPEN, BallotStatus.EXPIRED))
        _of(Ballot, mine).filter(
            status=BallotStatus.OPEN, battle__in=shown.values("battle")
        ).update(status=BallotStatus.EXPIRED, closed_at=timezone.now())
        # an empty form, nobody's rating
        _of(SatisfactionRating, mine).filter(
            score__isnull=True, answer__in=list(rated.values_list("answer", flat=True))
        ).delete()


def _move(model: type[models.Model], subject: str, anonymous: Voter, account: Voter) -> int:
    taken = list(_of(model, account).values_list(subject, flat=True))
    return _of(model, anonymous).exclude(**{f"{subject}__in": taken}).update(voter=account)
