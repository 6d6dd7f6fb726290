"""A ballot and its reveal as the templates show them.

Until the vote is stored nothing here carries a name, an id or anything else that belongs to the
models. Rendered Markdown is kept in memory: the same answers are shown to many voters.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest

from django.utils.functional import Promise
from django.utils.safestring import SafeString, mark_safe

from arena.models import Answer, Ballot, Battle, LanguageModel, Outcome
from arena.models.question import ContentPart
from arena.rendering import render_markdown
from arena.voting.casting import BOTH_BAD, LEFT, REASONS, RIGHT, STRENGTHS, TIE
from arena.voting.statements import AnswerText, outcomes_of_others, turns_of

KEPT_CHARACTERS = 48_000_000


@dataclass(frozen=True, slots=True)
class ShownText:
    """One turn of a question or an answer, rendered."""

    html: SafeString
    images: tuple[str, ...] = ()


ShownTexts = tuple[ShownText, ...]


def shown_question(turns: Sequence[list[ContentPart]]) -> ShownTexts:
    return tuple(
        ShownText(mark_safe(render_markdown(question_text(turn))), question_images(turn))
        for turn in turns
    )


def shown_answer(turns: Sequence[str]) -> ShownTexts:
    return tuple(ShownText(mark_safe(render_markdown(turn or ""))) for turn in turns)


@dataclass(slots=True)
class RenderedTexts:
    """Questions and answers already turned into HTML, by id; those longest unused are forgotten.

    A question edited by staff shows its old text until the process restarts; stored answers never
    change.
    """

    limit: int = KEPT_CHARACTERS
    _size: int = 0
    _texts: OrderedDict[tuple[str, int], ShownTexts] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, kind: str, pk: int) -> ShownTexts | None:
        with self._lock:
            if (kind, pk) in self._texts:
                self._texts.move_to_end((kind, pk))
            return self._texts.get((kind, pk))

    def keep(self, kind: str, pk: int, texts: ShownTexts) -> ShownTexts:
        with self._lock:
            self._texts[kind, pk] = texts
            self._size += _characters(texts)
            while self._size > self.limit and len(self._texts) > 1:
                self._size -= _characters(self._texts.popitem(last=False)[1])
        return texts

    def forget(self) -> None:
        with self._lock:
            self._texts.clear()
            self._size = 0


def _characters(texts: ShownTexts) -> int:
    return sum(len(text.html) for text in texts)


SHOWN = RenderedTexts()


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
    question, replies = _texts_of(ballot.battle)
    panes = [
        Pane(position, shown_turns(question, replies[side]))
        for position, side in zip((LEFT, RIGHT), ballot.sides, strict=True)
    ]
    return ShownBallot(
        token=ballot.token,
        question=question[0] if question else ShownText(mark_safe("")),
        panes=(panes[0], panes[1]),
        round_code=ballot.round.code if ballot.round_id and ballot.round else "",
    )


def _texts_of(battle: Battle) -> tuple[ShownTexts, dict[str, ShownTexts]]:
    """From memory; from the database in one query when one of the three is missing."""
    ids = (battle.question_id, battle.answer_a_id, battle.answer_b_id)
    if None in ids:
        raise ValueError(f"battle {battle.pk} has no stored texts and cannot be shown to voters")
    kinds = (("question", ids[0]), ("answer", ids[1]), ("answer", ids[2]))
    question, first, second = (SHOWN.get(kind, pk or 0) for kind, pk in kinds)
    if question is None or first is None or second is None:
        turns = turns_of(*(pk or 0 for pk in ids))
        if turns is None:
            raise ValueError(f"battle {battle.pk} lost its texts")
        question = question or SHOWN.keep("question", ids[0] or 0, shown_question(turns[0]))
        first = first or SHOWN.keep("answer", ids[1] or 0, shown_answer(turns[1]))
        second = second or SHOWN.keep("answer", ids[2] or 0, shown_answer(turns[2]))
    return question, {"a": first, "b": second}


def prepare(answers: Iterable[AnswerText]) -> None:
    """Render into memory what has just been read and is shown next."""
    for answer in answers:
        if SHOWN.get("question", answer.question_id) is None:
            SHOWN.keep("question", answer.question_id, shown_question(answer.asked))
        if SHOWN.get("answer", answer.pk) is None:
            SHOWN.keep("answer", answer.pk, shown_answer(answer.turns))


def shown_answer_of(answer: Answer) -> tuple[ShownTexts, ShownTexts]:
    """One answer alone: its question's turns and its own."""
    question = SHOWN.get("question", answer.question_id)
    if question is None:
        question = SHOWN.keep("question", answer.question_id, shown_question(answer.question.turns))
    reply = SHOWN.get("answer", answer.pk) or SHOWN.keep(
        "answer", answer.pk, shown_answer(answer.turns)
    )
    return question, reply


def shown_turns(question: ShownTexts, replies: ShownTexts) -> tuple[ShownTurn, ...]:
    nothing = ShownText(mark_safe(""))
    return tuple(
        ShownTurn(question=asked, reply=reply.html, is_follow_up=number > 0)
        for number, (asked, reply) in enumerate(zip_longest(question, replies, fillvalue=nothing))
    )


def question_text(parts: list[ContentPart]) -> str:
    return "\n\n".join(part["text"] for part in parts if part.get("type") == "text")


def question_images(parts: list[ContentPart]) -> tuple[str, ...]:
    """Only what the page itself carries: a foreign image would tell who reads when."""
    urls = (part.get("url", "") for part in parts if part.get("type") == "image")
    return tuple(url for url in urls if url.startswith("data:image/"))


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
