"""A voter's own data: to be read, taken along, and removed."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

from django.apps import apps
from django.db import transaction
from django.utils import timezone

from arena.models import (
    Ballot,
    BallotStatus,
    Battle,
    Exclusion,
    IntegrityAction,
    InviteRound,
    Question,
    SatisfactionRating,
    Vote,
    Voter,
)
from arena.voting.merging import voters_of
from arena.voting.voters import Visitor

CHECKED_WITHIN: Final = dt.timedelta(days=1)  # the longest that caps and duplicates look back


def export_own_data(visitor: Visitor) -> dict[str, Any]:
    """Everything stored about this voter, and what they did before signing in, ready for JSON."""
    voter, own = visitor.voter, voters_of(visitor.voter)
    votes = (
        Vote.objects.filter(voter__in=own)
        .select_related("battle__model_a", "battle__model_b", "battle__question", "ballot")
        .order_by("created_at", "id")
    )
    ballots = Ballot.objects.filter(voter__in=own)
    handed_out = (ballots, SatisfactionRating.objects.filter(voter__in=own))
    held = set(Battle.objects.held_by(own).values_list("pk", flat=True))
    return {
        "voter": {
            "id": voter.key,
            "since": voter.created_at.isoformat(),
            "account": voter.user.get_username() if voter.user else None,
            "organisation_accounts": _organisation_accounts(voter),
            "is_expert": voter.is_expert,
            "consented_at": _iso(visitor.session.consented_at),
            "browsers": [_iso(session.created_at) for session in voter.sessions.all()],
            "address_hashes": sorted(
                {row.address_key for rows in handed_out for row in rows} - {""}
            ),
            "rounds": [
                {"title": invite.title, "name": _name_in(invite, voter)}
                for invite in voter.rounds.all()
            ],
        },
        "votes": [_vote(vote, is_held=vote.battle_id in held) for vote in votes],
        "skipped": sum(ballot.status == BallotStatus.SKIPPED for ballot in ballots),
        "skips": [  # not of what: it may be asked again
            {"at": _iso(ballot.closed_at), "reading_s": ballot.reading_s}
            for ballot in ballots
            if ballot.status == BallotStatus.SKIPPED
        ],
        "acts": [
            {
                "reason": act.exclusion,
                "detail": act.detail,
                "votes_changed": act.votes_changed,
                "at": _iso(act.created_at),
            }
            for act in IntegrityAction.objects.filter(voter__in=own).order_by("id")
        ],
        "failed_live_battles": [
            {"prompts": _prompts(ballot.battle), "at": _iso(ballot.closed_at)}
            for ballot in ballots.filter(status=BallotStatus.FAILED).select_related(
                "battle__question"
            )
        ],
        "ratings": [
            {
                "answer": rating.answer_id,
                "model": rating.answer.model.slug,
                "score": rating.score,
                "reasons": rating.reasons,
                "left_out_because": rating.exclusion,
                "at": _iso(rating.rated_at),
            }
            for rating in SatisfactionRating.objects.filter(
                voter__in=own, score__isnull=False
            ).select_related("answer__model")
        ],
    }


def _vote(vote: Vote, *, is_held: bool) -> dict[str, Any]:
    ballot: Ballot | None = getattr(vote, "ballot", None)
    return {
        "battle": vote.battle_id,
        "model_a": vote.battle.model_a.slug,
        "model_b": vote.battle.model_b.slug,
        "outcome": vote.outcome,
        "shown_first": vote.shown_first,
        "strength": vote.strength,
        "reasons": vote.reasons,
        "left_out_because": vote.exclusion,
        "at": vote.created_at.isoformat(),
        "reading_s": ballot.reading_s if ballot else None,
        "prompts": _prompts(vote.battle) if is_held else None,
        "replaced": vote.battle.metadata.get("replaced", []) if is_held else [],
    }


def _prompts(battle: Battle) -> list[str]:
    return battle.question.turn_texts if battle.question else []


def _name_in(invite: InviteRound, voter: Voter) -> str:
    annotator = invite.annotators.filter(voter=voter).first()
    return annotator.name if annotator else ""


def _organisation_accounts(voter: Voter) -> list[str]:
    """The account's identifiers at OpenID Connect providers; nothing else is kept of them."""
    if voter.user is None or not apps.is_installed("allauth.socialaccount"):
        return []
    from allauth.socialaccount.models import SocialAccount

    return list(SocialAccount.objects.filter(user=voter.user).values_list("uid", flat=True))


def _iso(time: Any) -> str | None:  # datetimes and None
    return time.isoformat() if time else None


@transaction.atomic
def remove_own_data(visitor: Visitor, *, close_account: bool = False) -> int:
    """Delete the voter, their live battles with all prompts, and every link between their votes.

    Votes on stored answers and ratings stay, without any voter: they hold nothing personal, and a
    board that has been published can still be recomputed. Those of the last day are counted no
    more: what caps, duplicates and tests compare them with goes with the voter, who could vote, be
    forgotten and vote again for ever. ``close_account`` deletes the account as well; those of the
    staff are deleted in the admin. Returns how many votes were cut loose.
    """
    voter, own = visitor.voter, voters_of(visitor.voter)
    # what is stored at this moment is removed, or refused; a vote closes its ballot first, too
    opened = Ballot.objects.filter(voter__in=own, status=BallotStatus.OPEN).order_by("pk")
    list(opened.select_for_update())
    list(own.order_by("pk").select_for_update())
    ratings = SatisfactionRating.objects.filter(voter__in=own)
    ratings.filter(score__isnull=True).delete()
    ratings.update(address_key="")
    questions = list(Battle.objects.held_by(own).values_list("question_id", flat=True))
    Question.objects.filter(pk__in=questions).delete()
    since = timezone.now() - CHECKED_WITHIN
    for rows in (
        Vote.objects.filter(voter__in=own, created_at__gt=since),
        SatisfactionRating.objects.filter(voter__in=own, rated_at__gt=since),
    ):
        rows.filter(exclusion="").update(exclusion=Exclusion.WITHDRAWN)
    kept, user = Vote.objects.filter(voter__in=own).count(), voter.user
    voter.delete()
    if close_account and user is not None and not user.is_staff:
        user.delete()
    return kept
