"""Answers that must not be shown to voters: empty ones, and those that tell who wrote them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field

from arena.models import Answer, Exclusion
from arena.voting.leaks import leaked_name

KEPT = 200_000


def answer_doubt(answer: Answer) -> str:
    """The reason why no battle with this answer can be voted on, or nothing."""
    if not answer.text.strip():
        return Exclusion.EMPTY_ANSWER
    names = (answer.model.display_name, answer.model.slug, answer.model.provider_model)
    question = "\n".join(answer.question.turn_texts)
    is_leak = leaked_name(answer.text, model_names=names, question=question)
    return Exclusion.IDENTITY_LEAK if is_leak else ""


@dataclass(slots=True)
class Doubts:
    """Doubts by answer id, looked up once per process: stored answers never change."""

    _found: OrderedDict[int, str] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def of(self, answer_id: int) -> str:
        """Nothing for an answer that is gone."""
        if answer_id in self._found:
            return self._found[answer_id]
        rows = Answer.objects.select_related("model", "question").filter(pk=answer_id)
        doubt = next((answer_doubt(answer) for answer in rows), "")
        with self._lock:
            self._found[answer_id] = doubt
            if len(self._found) > KEPT:
                self._found.popitem(last=False)
        return doubt

    def forget(self) -> None:
        self._found.clear()


DOUBTS = Doubts()
