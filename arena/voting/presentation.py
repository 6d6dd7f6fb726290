"""A ballot and its reveal as the templates show them.

Until the vote is stored nothing here carries a name, an id or anything else that belongs to the
models. Rendered Markdown is kept in memory: the same answers are shown to many voters.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from itertools import zip_longest

from django.db.models import Count
from django.utils.functional import Promise
from django.utils.safestring import SafeString, mark_safe

from arena.models import Answer, Ballot, Battle, LanguageModel, Outcome, Question, Vote
from arena.models.question import ContentPart
from arena.rendering import render_markdown
from arena.voting.casting import BOTH_BAD, LEFT, REASONS, RIGHT, STRENGTHS, TIE

KEPT_CHARACTERS = 48_000_000


@dataclass(slots=True)
class RenderedTexts:
    """Markdown already turned into HTML, the least recently used forgotten first."""

    limit: int = KEPT_CHARACTERS
    _size: int = 0
    _texts: OrderedDict[bytes, str] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def html(self, text: str) -> SafeString:
        key = hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).digest()
        with self._lock:
            if key in self._texts:
                self._texts.move_to_end(key)
                return mark_safe(self._texts[key])  # it left render_markdown sanitised
        rendered = render_markdown(text)
        with self._lock:
            self._texts[key] = rendered
            self._size += len(rendered)
            while self._size > self.limit and len(self._texts) > 1:
                self._size -= len(self._texts.popitem(last=False)[1])
        return mark_safe(rendered)


RENDERED = RenderedTexts()


@dataclass(frozen=True, slots=True)
class ShownTurn:
    """One user turn and the reply to it; the first turn's question stands above both answers."""

    question: SafeString
    images: tuple[str, ...]
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
    question: SafeString
    images: tuple[str, ...]
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
    battle = _battle_with_texts(ballot)
    question = battle.question
    if question is None:
        raise ValueError(f"battle {battle.pk} has no question and cannot be shown to voters")
    answers = {"a": battle.answer_a, "b": battle.answer_b}
    panes = [
        Pane(position, shown_turns(question, answers[side]))
        for position, side in zip((LEFT, RIGHT), ballot.sides, strict=True)
    ]
    first = question.turns[0] if question.turns else []
    return ShownBallot(
        token=ballot.token,
        question=RENDERED.html(question_text(first)),
        images=question_images(first),
        panes=(panes[0], panes[1]),
        round_code=ballot.round.code if ballot.round_id and ballot.round else "",
    )


def _battle_with_texts(ballot: Ballot) -> Battle:
    return (
        Battle.objects.select_related("question", "answer_a", "answer_b")
        .only("question__turns", "answer_a__turns", "answer_b__turns")
        .get(pk=ballot.battle_id)
    )


def shown_turns(question: Question, answer: Answer | None) -> tuple[ShownTurn, ...]:
    replies = answer.turns if answer else []
    return tuple(
        ShownTurn(
            question=RENDERED.html(question_text(asked or [])),
            images=question_images(asked or []),
            reply=RENDERED.html(reply or ""),
            is_follow_up=number > 0,
        )
        for number, (asked, reply) in enumerate(zip_longest(question.turns, replies))
    )


def question_text(parts: list[ContentPart]) -> str:
    return "\n\n".join(part["text"] for part in parts if part.get("type") == "text")


def question_images(parts: list[ContentPart]) -> tuple[str, ...]:
    """Only what the page itself carries: a foreign image would tell who reads when."""
    urls = (part.get("url", "") for part in parts if part.get("type") == "image")
    return tuple(url for url in urls if url.startswith("data:image/"))


def reveal(ballot: Ballot) -> Reveal:
    """Names, and how others voted; only for a ballot whose vote is stored."""
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
        battle=battle,
        token=ballot.token,
        others=_others(ballot),
    )


def position_of(outcome: str, sides: tuple[str, str]) -> str:
    """Where the chosen answer stood."""
    if outcome in (Outcome.TIE, Outcome.BOTH_BAD):
        return str(outcome)
    return LEFT if outcome == f"model_{sides[0]}" else RIGHT


def _others(ballot: Ballot) -> tuple[Share, ...]:
    rows = (
        Vote.objects.filter(battle=ballot.battle_id, exclusion="")
        .exclude(ballot=ballot)
        .order_by()
        .values_list("outcome")
        .annotate(n=Count("id"))
    )
    counts = dict.fromkeys((LEFT, TIE, BOTH_BAD, RIGHT), 0)
    for outcome, n in rows:
        counts[position_of(outcome, ballot.sides)] += n
    total = sum(counts.values())
    if not total:
        return ()
    return tuple(Share(name, n, 100 * n / total) for name, n in counts.items())
