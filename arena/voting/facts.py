"""What must be known of an answer before it is shown: may it be, and how long is it to read?"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field

from arena.models import Exclusion
from arena.voting.leaks import leaked_name
from arena.voting.reading import reading_weight
from arena.voting.statements import AnswerText, answers_of_ids

KEPT = 200_000
AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class AnswerFacts:
    """``doubt`` is the reason why no battle with this answer can be voted on, or empty;
    ``reading_weight`` counts characters, see ``reading``. The rest is what a battle copies.
    """

    model_id: int
    question_id: int
    language: str
    turn_count: int
    doubt: str
    reading_weight: float


def answer_facts(answer: AnswerText) -> AnswerFacts:
    text = "\n\n".join(answer.turns)
    return AnswerFacts(
        model_id=answer.model_id,
        question_id=answer.question_id,
        language=answer.language,
        turn_count=len(answer.asked),
        doubt=_doubt(answer, text),
        reading_weight=reading_weight(text),
    )


def _doubt(answer: AnswerText, text: str) -> str:
    if not text.strip():
        return Exclusion.EMPTY_ANSWER
    question = "\n".join(part.get("text", "") for turn in answer.asked for part in turn)
    is_leak = leaked_name(text, model_names=answer.model_names, question=question)
    return Exclusion.IDENTITY_LEAK if is_leak else ""


@dataclass(slots=True)
class KnownFacts:
    """Facts by answer id, worked out once per process: stored answers never change."""

    _found: OrderedDict[int, AnswerFacts] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def of(self, answer_ids: Iterable[int]) -> dict[int, AnswerFacts]:
        """Without those that are gone."""
        return self.with_texts(answer_ids)[0]

    def with_texts(
        self, answer_ids: Iterable[int]
    ) -> tuple[dict[int, AnswerFacts], list[AnswerText]]:
        """As ``of``, and the texts that had to be read for it."""
        wanted = list(answer_ids)
        found = {pk: self._found[pk] for pk in wanted if pk in self._found}
        missing = [pk for pk in wanted if pk not in found]
        read: list[AnswerText] = []
        for start in range(0, len(missing), AT_ONCE):
            read += answers_of_ids(missing[start : start + AT_ONCE])
        if read:
            new = {answer.pk: answer_facts(answer) for answer in read}
            found |= new
            with self._lock:
                self._found |= new
                while len(self._found) > KEPT:
                    self._found.popitem(last=False)
        return found, read

    def forget(self) -> None:
        self._found.clear()


FACTS = KnownFacts()
