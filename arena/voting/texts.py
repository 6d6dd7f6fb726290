"""Stored answers as voters see them: rendered and looked through once, then kept for everybody.

What is kept is checked against the texts whenever it is read, so an edited question or a renamed
model shows at once, whichever process rendered it. Kept is what the check for leaks found, not what
staff said of it: that is looked up for the few answers in which it found something.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Final

import orjson
from django.db import IntegrityError, transaction
from django.utils.safestring import SafeString, mark_safe

from arena.models import ClearedAnswer, Exclusion, RenderedAnswer, RenderedQuestion
from arena.models.question import ContentPart
from arena.models.rendered import LEAK_CHARACTERS
from arena.rendering import render_markdown
from arena.voting.leaks import leaked_name
from arena.voting.reading import reading_weight
from arena.voting.statements import AnswerText, StoredAnswer, answers_of_ids

AT_ONCE: Final = 200
# whatever decides on what is kept; its text and these versions name the renderer
_CODE: Final = (
    "arena.rendering",
    "arena.mathematics",
    "arena.voting.leaks",
    "arena.voting.reading",
    "arena.voting.spotting",
)
_PACKAGES: Final = ("markdown-it-py", "mdit-py-plugins", "nh3", "pygments", "latex2mathml")
_IMAGE_PART: Final = '"image"'  # in JSON a quote within a text is never bare


@dataclass(frozen=True, slots=True)
class ShownText:
    """One turn of a question or an answer, rendered."""

    html: SafeString
    images: tuple[str, ...] = ()


ShownTexts = tuple[ShownText, ...]


@dataclass(frozen=True, slots=True)
class AnswerFacts:
    """``doubt`` is the reason why no battle with this answer can be voted on, or empty;
    ``reading_weight`` counts characters, see ``reading``; ``wording`` is the same for answers that
    nobody could tell apart. The rest is what a battle copies.
    """

    model_id: int
    question_id: int
    language: str
    turn_count: int
    doubt: str
    reading_weight: float
    wording: str


@dataclass(frozen=True, slots=True)
class ShownAnswer:
    facts: AnswerFacts
    question: ShownTexts
    turns: ShownTexts


@dataclass(frozen=True, slots=True)
class Leak:
    """The words by which an answer names its model. ``source`` is what a clearance must be of;
    there is one where staff say that the words tell nothing.
    """

    words: str
    source: str
    clearance: ClearedAnswer | None


def read_answers(answer_ids: Iterable[int]) -> dict[int, ShownAnswer]:
    """By id, without those that are gone; what had to be rendered is kept."""
    read = [_Reading(row) for row in _rows(answer_ids, with_html=True)]
    found = {reading.row.pk: reading.shown() for reading in read}
    _keep(read)
    return found


def read_facts(answer_ids: Iterable[int]) -> dict[int, AnswerFacts]:
    """As ``read_answers``, but nothing is rendered."""
    return {row.pk: _Reading(row).facts() for row in _rows(answer_ids, with_html=False)}


def read_leaks(answer_ids: Iterable[int]) -> dict[int, Leak]:
    """Of those that name their model, cleared or not."""
    readings = [_Reading(row) for row in _rows(answer_ids, with_html=False)]
    return {reading.row.pk: leak for reading in readings if (leak := reading.leak())}


def _rows(answer_ids: Iterable[int], *, with_html: bool) -> Iterable[StoredAnswer]:
    ids = list(answer_ids)
    for start in range(0, len(ids), AT_ONCE):
        yield from answers_of_ids(ids[start : start + AT_ONCE], with_html=with_html)


class _Reading:
    """One row: what is kept where it is valid, and what must be made anew and kept."""

    def __init__(self, row: StoredAnswer) -> None:
        self.row = row
        self.question: RenderedQuestion | None = None
        self.answer: RenderedAnswer | None = None
        self._text: AnswerText | None = None

    @property
    def text(self) -> AnswerText:
        if self._text is None:
            self._text = self.row.text()
        return self._text

    def facts(self) -> AnswerFacts:
        return self._unless_cleared(self._found())

    def leak(self) -> Leak | None:
        if self._found().doubt != Exclusion.IDENTITY_LEAK:
            return None
        words = leaked_words(self.text)
        return Leak(words, _source_of_answer(self.row), self._clearance())

    def _found(self) -> AnswerFacts:
        turns = len(orjson.loads(self.row.asked))
        return self._kept_facts(turns) or answer_facts(self.text)

    def _unless_cleared(self, facts: AnswerFacts) -> AnswerFacts:
        is_leak = facts.doubt == Exclusion.IDENTITY_LEAK
        return replace(facts, doubt="") if is_leak and self._clearance() else facts

    def _clearance(self) -> ClearedAnswer | None:
        cleared = ClearedAnswer.objects.filter(
            answer=self.row.pk, source=_source_of_answer(self.row)
        )
        return cleared.select_related("done_by").first()

    def _kept_facts(self, turn_count: int) -> AnswerFacts | None:
        row = self.row
        if row.doubt is None or row.reading_weight is None or row.renderer != renderer():
            return None
        if row.source != _source_of_answer(row):
            return None
        return AnswerFacts(
            model_id=row.model_id,
            question_id=row.question_id,
            language=row.language,
            turn_count=turn_count,
            doubt=row.doubt,
            reading_weight=row.reading_weight,
            wording=_wording(orjson.loads(row.turns)),
        )

    def shown(self) -> ShownAnswer:
        question, row = self._question(), self.row
        kept = self._kept_facts(len(question))
        if kept is not None and row.html is not None:
            return ShownAnswer(self._unless_cleared(kept), question, _from_html(row.html))
        turns = shown_answer(self.text.turns)
        facts = answer_facts(self.text)
        self.answer = RenderedAnswer(
            answer_id=row.pk,
            renderer=renderer(),
            source=_source_of_answer(row),
            turns=[turn.html for turn in turns],
            doubt=facts.doubt,
            leak=leaked_words(self.text) if facts.doubt == Exclusion.IDENTITY_LEAK else "",
            reading_weight=facts.reading_weight,
        )
        return ShownAnswer(self._unless_cleared(facts), question, turns)

    def _question(self) -> ShownTexts:
        row, source = self.row, _digest(self.row.asked)
        is_valid = row.asked_renderer == renderer() and row.asked_source == source
        if row.asked_html is not None and is_valid:
            return _from_html(row.asked_html)
        question = shown_question(self.text.asked)
        if _IMAGE_PART not in row.asked:
            self.question = RenderedQuestion(
                question_id=row.question_id,
                renderer=renderer(),
                source=source,
                turns=[turn.html for turn in question],
            )
        return question


def _keep(read: Sequence[_Reading]) -> None:
    """For whoever is shown them next. Two processes may do so at once: both in the same order, so
    that neither waits for the other for ever. Of an answer that was deleted meanwhile nothing is
    kept.
    """
    questions = {r.row.question_id: r.question for r in read if r.question is not None}
    answers = {r.row.pk: r.answer for r in read if r.answer is not None}
    if not questions and not answers:
        return
    columns = ["renderer", "source", "turns"]
    with suppress(IntegrityError), transaction.atomic():
        RenderedQuestion.objects.bulk_create(
            [questions[pk] for pk in sorted(questions)],
            update_conflicts=True,
            unique_fields=["question"],
            update_fields=columns,
        )
        RenderedAnswer.objects.bulk_create(
            [answers[pk] for pk in sorted(answers)],
            update_conflicts=True,
            unique_fields=["answer"],
            update_fields=[*columns, "doubt", "leak", "reading_weight"],
        )


@cache
def renderer() -> str:
    """A digest of the code that renders and judges a text, and of the packages it uses."""
    code = (Path(str(import_module(name).__file__)).read_bytes() for name in _CODE)
    packages = (f"{name} {version(name)}".encode() for name in _PACKAGES)
    return hashlib.blake2b(b"\0".join([*code, *packages]), digest_size=16).hexdigest()


def _source_of_answer(row: StoredAnswer) -> str:
    """The doubt hangs on the model's names and on the question too."""
    return _digest(row.turns, row.asked, row.display_name, row.slug, row.provider_model)


def _digest(*texts: str) -> str:
    return hashlib.blake2b("\0".join(texts).encode(), digest_size=16).hexdigest()


def _from_html(turns: str) -> ShownTexts:
    return tuple(ShownText(mark_safe(html)) for html in orjson.loads(turns))


def answer_facts(answer: AnswerText) -> AnswerFacts:
    text = "\n\n".join(answer.turns)
    return AnswerFacts(
        model_id=answer.model_id,
        question_id=answer.question_id,
        language=answer.language,
        turn_count=len(answer.asked),
        doubt=_doubt(answer, text),
        reading_weight=reading_weight(text),
        wording=_wording(answer.turns),
    )


def _wording(turns: Sequence[str]) -> str:
    """Space around a reply is not seen."""
    return _digest(*(turn.strip() for turn in turns))


def _doubt(answer: AnswerText, text: str) -> str:
    if not text.strip():
        return Exclusion.EMPTY_ANSWER
    return Exclusion.IDENTITY_LEAK if leaked_words(answer) else ""


def leaked_words(answer: AnswerText) -> str:
    """By which it tells who wrote it; empty where it does not."""
    text = "\n\n".join(answer.turns)
    question = "\n".join(part.get("text", "") for turn in answer.asked for part in turn)
    words = leaked_name(text, model_names=answer.model_names, question=question) or ""
    return words[:LEAK_CHARACTERS]


def can_be_voted_on(facts: Sequence[AnswerFacts]) -> bool:
    """Two answers that speak for themselves, and differ: of two alike every choice but a tie would
    be noise.
    """
    if len(facts) < 2 or any(answer.doubt for answer in facts):
        return False
    return facts[0].wording != facts[1].wording


def shown_question(turns: Sequence[list[ContentPart]]) -> ShownTexts:
    return tuple(
        ShownText(mark_safe(render_markdown(question_text(turn))), question_images(turn))
        for turn in turns
    )


def shown_answer(turns: Sequence[str]) -> ShownTexts:
    return tuple(ShownText(mark_safe(render_markdown(turn or ""))) for turn in turns)


def question_text(parts: list[ContentPart]) -> str:
    return "\n\n".join(part["text"] for part in parts if part.get("type") == "text")


def question_images(parts: list[ContentPart]) -> tuple[str, ...]:
    """Only what the page itself carries: a foreign image would tell who reads when."""
    urls = (part.get("url", "") for part in parts if part.get("type") == "image")
    return tuple(url for url in urls if url.startswith("data:image/"))
