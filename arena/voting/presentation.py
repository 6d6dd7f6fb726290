"""A ballot and its reveal as the templates show them.

Until the vote is stored nothing here carries a name, an id or anything else that belongs to the
models.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import zip_longest

from django.utils.functional import Promise
from django.utils.safestring import SafeString, mark_safe

from arena.models import Ballot, Battle, LanguageModel, Outcome
from arena.voting.casting import BOTH_BAD, LEFT, REASONS, RIGHT, STRENGTHS, TIE
from arena.voting.statements import outcomes_of_others
from arena.voting.texts import ShownAnswer, ShownText, ShownTexts, read_answers


@dataclass(frozen=True, slots=True)
class ShownTurn:
    """A reply, and the follow-up question before it; the first question stands above both."""

    question: ShownText
    reply: SafeString
    is_follow_up: bool


@dataclass(frozen=True, slots=True)
class Pane:
    """One answer as shown: ``position`` is left or right. The battle's own sides stay out of it:
    they follow the order of the models' ids.
    """

    position: str
    turns: tuple[ShownTurn, ...]


@dataclass(frozen=True, slots=True)
class ShownBallot:
    token: str
    question: ShownText
    language: str
    panes: tuple[Pane, Pane]
    reasons: dict[str, str | Promise] = field(default_factory=lambda: REASONS)
    strengths: dict[int, str | Promise] = field(default_factory=lambda: STRENGTHS)
    round_code: str = ""


@dataclass(frozen=True, slots=True)
class Share:
    """How often others chose this position; ``percent`` of all."""

    position: str
    count: int
    percent: float


@dataclass(frozen=True, slots=True)
class Reveal:
    """What the voter learns once the vote is stored."""

    left: LanguageModel
    right: LanguageModel
    choice: str
    outcome: str
    battle: Battle
    token: str
    others: tuple[Share, ...]

    @property
    def others_count(self) -> int:
        return sum(share.count for share in self.others)

    @property
    def winner(self) -> LanguageModel | None:
        return {LEFT: self.left, RIGHT: self.right}.get(self.choice)

    @property
    def loser(self) -> LanguageModel | None:
        return {LEFT: self.right, RIGHT: self.left}.get(self.choice)


def show_ballot(ballot: Ballot) -> ShownBallot:
    """The ballot without anything about its models."""
    first, second = _answers_of(ballot)
    question, replies = first.question, {"a": first.turns, "b": second.turns}
    panes = [
        Pane(position, shown_turns(question, replies[side]))
        for position, side in zip((LEFT, RIGHT), ballot.sides, strict=True)
    ]
    return ShownBallot(
        token=ballot.token,
        question=question[0] if question else ShownText(mark_safe("")),
        language=first.facts.language,
        panes=(panes[0], panes[1]),
        round_code=ballot.round.code if ballot.round_id and ballot.round else "",
    )


def _answers_of(ballot: Ballot) -> tuple[ShownAnswer, ShownAnswer]:
    """Side a and side b: those the draw has just read, or else from the database."""
    battle = ballot.battle
    if battle.answer_a_id is None or battle.answer_b_id is None:
        raise ValueError(f"battle {battle.pk} has no stored texts and cannot be shown to voters")
    texts = ballot.at_hand or read_answers((battle.answer_a_id, battle.answer_b_id))
    if len(texts) < 2:
        raise ValueError(f"battle {battle.pk} lost its texts")
    return texts[battle.answer_a_id], texts[battle.answer_b_id]


def shown_turns(question: ShownTexts, replies: ShownTexts) -> tuple[ShownTurn, ...]:
    nothing = ShownText(mark_safe(""))
    return tuple(
        ShownTurn(question=asked, reply=reply.html, is_follow_up=number > 0)
        for number, (asked, reply) in enumerate(zip_longest(question, replies, fillvalue=nothing))
    )


def reveal(ballot: Ballot, others: Mapping[str, int] | None = None) -> Reveal:
    """Names, and how others voted; only for a ballot whose vote is stored.

    ``others`` are counted votes by outcome where they are known, or else read.
    """
    vote = ballot.vote
    if vote is None:
        raise ValueError(f"ballot {ballot.pk} has no vote, so its models stay hidden")
    battle = ballot.battle
    models = {"a": battle.model_a, "b": battle.model_b}
    left, right = ballot.sides
    return Reveal(
        left=models[left],
        right=models[right],
        choice=position_of(vote.outcome, ballot.sides),
        outcome=vote.outcome,
        battle=battle,
        token=ballot.token,
        others=_shares(
            ballot, outcomes_of_others(ballot.battle_id, vote.pk) if others is None else others
        ),
    )


def position_of(outcome: str, sides: tuple[str, str]) -> str:
    """Where the chosen answer stood."""
    if outcome in (Outcome.TIE, Outcome.BOTH_BAD):
        return str(outcome)
    return LEFT if outcome == f"model_{sides[0]}" else RIGHT


def _shares(ballot: Ballot, outcomes: Mapping[str, int]) -> tuple[Share, ...]:
    counts = dict.fromkeys((LEFT, TIE, BOTH_BAD, RIGHT), 0)
    for outcome, n in outcomes.items():
        counts[position_of(outcome, ballot.sides)] += n
    total = sum(counts.values())
    if not total:
        return ()
    return tuple(Share(name, n, 100 * n / total) for name, n in counts.items())
