"""A voter's own data: to be read, taken along, and removed."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from arena.models import Battle, BattleOrigin, Question, Vote
from arena.voting.voters import Visitor


def export_own_data(visitor: Visitor) -> dict[str, Any]:
    """Everything stored about this voter, ready for JSON."""
    voter = visitor.voter
    votes = voter.votes.select_related("battle__model_a", "battle__model_b", "battle__question")
    return {
        "voter": {
            "id": voter.key,
            "since": voter.created_at.isoformat(),
            "account": voter.user.get_username() if voter.user else None,
            "is_expert": voter.is_expert,
            "consented_at": _iso(visitor.session.consented_at),
        },
        "votes": [_vote(vote) for vote in votes],
        "skipped": voter.ballots.filter(status="skipped").count(),
        "ratings": [
            {
                "answer": rating.answer_id,
                "model": rating.answer.model.slug,
                "score": rating.score,
                "reasons": rating.reasons,
                "at": _iso(rating.rated_at),
            }
            for rating in voter.satisfaction_ratings.select_related("answer__model")
            if rating.score is not None
        ],
    }


def _vote(vote: Vote) -> dict[str, Any]:
    question = vote.battle.question
    is_own_prompt = vote.battle.origin == BattleOrigin.LIVE
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
        "prompts": question.turn_texts if question and is_own_prompt else None,
    }


def _iso(time: Any) -> str | None:  # datetimes and None
    return time.isoformat() if time else None


@transaction.atomic
def remove_own_data(visitor: Visitor) -> int:
    """Delete the voter, the prompts of their live battles, and every link between their votes.

    Votes on stored answers stay, without any voter: they hold nothing personal, and a board that
    has been published can still be recomputed. Returns how many votes were cut loose.
    """
    voter = visitor.voter
    live = Battle.objects.filter(origin=BattleOrigin.LIVE, votes__voter=voter)
    questions = list(live.values_list("question_id", flat=True))
    Question.objects.filter(pk__in=questions).delete()
    kept = voter.votes.count()
    voter.delete()
    return kept
