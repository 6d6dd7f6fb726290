"""A live battle as rows: its question, both answers, the battle, and the vote if there is one."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone

from arena.live.rooms import Mode, ReplyState, Room
from arena.models import (
    Answer,
    AnswerOrigin,
    Ballot,
    BallotStatus,
    Battle,
    BattleOrigin,
    Exclusion,
    Outcome,
    Question,
    QuestionSet,
    Side,
    Vote,
    WorkStatus,
)
from arena.models.question import LIVE_SET, LIVE_TAG
from arena.style import style_features
from arena.voting.casting import BOTH_BAD, CHOICES, LEFT, REASONS, RIGHT, STRENGTHS, TIE
from arena.voting.doubts import activity, fastest_reading_s, is_beyond_caps
from arena.voting.merging import held_owner_id
from arena.voting.policy import current_policy
from arena.voting.reading import reading_weight
from arena.voting.statements import AnswerText
from arena.voting.texts import answer_facts, read_answers

HASHED_CHARACTERS = 10_000  # FastChat's key for duplicate prompts
REPLACED_CHARACTERS = 200_000  # of replaced turns, the latest are kept up to this


@dataclass(frozen=True, slots=True)
class LiveVote:
    choice: str
    strength: int | None = None
    reasons: Sequence[str] = ()


@transaction.atomic
def store_room(room: Room, vote: LiveVote | None = None, *, exclusion: str = "") -> Battle:
    """Keep what was said, and the vote; a failed battle is kept with its reason and no vote.

    Side a is the model with the smaller id, wherever it sat. Whoever signed in meanwhile gets it
    for their account. Raises VoterGoneError where the voter had their data removed.
    """
    if vote is not None and vote.choice not in CHOICES:
        raise ValueError(f"choice {vote.choice!r} is none of {', '.join(CHOICES)}")
    room.voter_id = held_owner_id(room.voter_id)
    question = _store_question(room)
    room.stored += 1
    answers = [_store_answer(room, seat, question) for seat in range(2)]
    first, second = (0, 1) if room.seats[0].model_id < room.seats[1].model_id else (1, 0)
    battle = Battle.objects.create(
        model_a_id=room.seats[first].model_id,
        model_b_id=room.seats[second].model_id,
        answer_a=answers[first],
        answer_b=answers[second],
        question=question,
        origin=BattleOrigin.LIVE,
        is_anonymous=room.mode == Mode.BLIND,
        language=question.language,
        turn_count=len(room.answered),
        exclusion=exclusion or _battle_exclusion(room, answers),
        external_key=f"live-{question.external_id}",
        metadata=_repetitions(room, first, second),
    )
    shown_first = Side.A if first == 0 else Side.B
    stored = None if vote is None else _store_vote(room, battle, vote, shown_first=shown_first)
    _store_ballot(room, battle, stored, shown_first=shown_first)
    return battle


def _repetitions(room: Room, first: int, second: int) -> dict[str, Any]:  # JSON
    """How often turns were asked again, and what was there before, by the battle's sides."""
    if not room.repeated:
        return {}
    kept: list[dict[str, Any]] = []
    left = REPLACED_CHARACTERS
    for number, turn in reversed(room.replaced):
        left -= len(turn.prompt) + sum(len(reply.text) for reply in turn.replies)
        if left < 0:
            break
        sides = {
            f"answer_{side}": turn.replies[seat].text
            for side, seat in (("a", first), ("b", second))
        }
        kept.append({"turn": number + 1, "prompt": turn.prompt, **sides})
    return {"repeated": room.repeated, "replaced": kept[::-1]}


def _store_ballot(room: Room, battle: Battle, vote: Vote | None, *, shown_first: Side) -> None:
    """Ties the battle to its voter, failed ones too, and lets caps count live votes with others."""
    now = timezone.now()
    Ballot.objects.create(
        voter_id=room.voter_id,
        battle=battle,
        shown_first=shown_first,
        draw_probability=room.draw_probability,
        drawn_by=room.drawn_by,
        status=BallotStatus.FAILED if vote is None else BallotStatus.VOTED,
        vote=vote,
        address_key=room.address_key,
        drawn_at=now - dt.timedelta(seconds=room.reading_s),
        closed_at=now,
        reading_s=room.reading_s,
    )


def _store_question(room: Room) -> Question:
    chosen, _ = QuestionSet.objects.get_or_create(slug=LIVE_SET, defaults={"name": "Live"})
    prompts = [turn.prompt for turn in room.answered]
    return Question.objects.create(
        question_set=chosen,
        external_id=f"{room.key}-{room.stored}",
        turns=[[{"type": "text", "text": prompt}] for prompt in prompts],
        language=language_of("\n".join(prompts)),
        content_hash=prompt_hash(prompts),
        tags=[LIVE_TAG],
    )


def prompt_hash(prompts: Sequence[str]) -> str:
    joined = "\n".join(prompts)[:HASHED_CHARACTERS]
    return hashlib.sha256(joined.encode()).hexdigest()


def language_of(text: str) -> str:
    """``zh`` where Chinese characters make up a fifth of the weight, else ``en``."""
    wide = reading_weight(text) - len(text)
    return "zh" if wide > 0.2 * len(text) else "en"


def _store_answer(room: Room, seat: int, question: Question) -> Answer:
    replies = [turn.replies[seat] for turn in room.answered]
    failure = next((reply.failure for reply in replies if reply.failure), "")
    is_whole = all(reply.is_usable for reply in replies)
    texts = [reply.text for reply in replies]
    return Answer.objects.create(
        question=question,
        model_id=room.seats[seat].model_id,
        sample_index=None,
        origin=AnswerOrigin.LIVE,
        status=WorkStatus.DONE if is_whole else WorkStatus.FAILED,
        error_kind=failure,
        turns=texts,
        finish_reason="stopped" if replies[-1].state == ReplyState.STOPPED else "",
        style=style_features(texts),
        settings={
            "temperature": room.settings.temperature,
            "max_tokens": room.settings.max_tokens,
        },
    )


def _battle_exclusion(room: Room, answers: Sequence[Answer]) -> str:
    states = {reply.state for turn in room.answered for reply in turn.replies}
    if room.mode != Mode.BLIND:
        return Exclusion.NAMED
    if ReplyState.FAILED in states:
        return Exclusion.ERROR
    if ReplyState.EMPTY in states:
        return Exclusion.EMPTY_ANSWER
    if any(answer_facts(AnswerText.of(answer)).doubt for answer in answers):
        read_answers(answer.pk for answer in answers)  # keeps the words for staff to look over
        return Exclusion.IDENTITY_LEAK
    return ""


def _store_vote(room: Room, battle: Battle, vote: LiveVote, *, shown_first: Side) -> Vote:
    outcomes = {TIE: Outcome.TIE, BOTH_BAD: Outcome.BOTH_BAD}
    left = Outcome.MODEL_A if shown_first == Side.A else Outcome.MODEL_B
    right = Outcome.MODEL_B if shown_first == Side.A else Outcome.MODEL_A
    outcome = {LEFT: left, RIGHT: right, **outcomes}[vote.choice]
    is_decided = vote.choice in (LEFT, RIGHT)
    return Vote.objects.create(
        battle=battle,
        voter_id=room.voter_id,
        outcome=outcome,
        shown_first=shown_first,
        draw_probability=room.draw_probability,
        strength=vote.strength if is_decided and vote.strength in STRENGTHS else None,
        reasons=[reason for reason in REASONS if reason in vote.reasons],
        exclusion=_vote_exclusion(room, battle),
    )


def _vote_exclusion(room: Room, battle: Battle) -> str:
    """The first reason not to count this vote, or nothing; the caps are those of stored battles.

    The same prompt about the same pair, again by the same voter, counts once.
    """
    policy = current_policy()
    lately = activity(
        voter_id=room.voter_id,
        address_key=room.address_key,
        battle_id=battle.pk,
        now=timezone.now(),
    )
    if is_beyond_caps(policy, lately):
        return Exclusion.RATE_LIMITED
    if _is_repetition(room, battle):
        return Exclusion.DUPLICATE
    if room.reading_s < fastest_reading_s(policy, (battle.answer_a_id, battle.answer_b_id)):
        return Exclusion.TOO_FAST
    return ""


def _is_repetition(room: Room, battle: Battle) -> bool:
    return battle.question is not None and (
        Vote.objects.filter(
            voter=room.voter_id,
            battle__origin=BattleOrigin.LIVE,
            battle__question__content_hash=battle.question.content_hash,
            battle__model_a=battle.model_a_id,
            battle__model_b=battle.model_b_id,
        ).exists()
    )
