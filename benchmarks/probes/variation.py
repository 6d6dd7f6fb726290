"""What a probe changes about the questions of a task."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from benchmarks.probes.documents import new_order, reorder_options
from benchmarks.probes.numbers import redraw_problem, rewrite_numbers
from benchmarks.questions.asking import ChoiceQuestion

VERSION = 1
# fields in which documents keep their question
QUESTION_FIELDS = ("question", "Question")


@dataclass(frozen=True, slots=True)
class Variation:
    """Changes that leave a question as hard as it was.

    ``shuffles`` puts options in another order, ``redraws`` gives worked problems other numbers,
    ``rewrites`` writes numbers in words and the reverse. ``seed`` and a question's own number
    decide every draw.
    """

    name: str
    seed: int
    shuffles: bool = True
    redraws: bool = False
    rewrites: bool = False

    def _rng(self, index: int) -> random.Random:
        return random.Random(f"{self.seed} {index}")

    def _order(self, options: Sequence[str], index: int) -> list[int] | None:
        return new_order(options, self._rng(index).shuffle) if self.shuffles else None

    def document(self, doc: Mapping[str, Any], index: int) -> dict[str, Any]:
        """A row of a data set, changed in its own fields."""
        made = reorder_options(doc, lambda options: self._order(options, index)) or dict(doc)
        name = next((field for field in QUESTION_FIELDS if isinstance(made.get(field), str)), "")
        if not name:
            return made
        if self.redraws and isinstance(made.get("answer"), str):
            drawn = redraw_problem(made[name], made["answer"], self._rng(index))
            if drawn is not None:
                return {**made, name: drawn[0], "answer": drawn[1]}
        return {**made, name: self.text(made[name])}

    def choice(self, question: ChoiceQuestion, index: int) -> ChoiceQuestion:
        """A question with options of our own suites."""
        order = self._order(question.choices, index) if question.lists_options else None
        order = order or list(range(len(question.choices)))
        return replace(
            question,
            text=self.text(question.text),
            choices=tuple(question.choices[old] for old in order),
            gold=tuple(sorted(order.index(old) for old in question.gold)),
        )

    def text(self, text: str) -> str:
        return rewrite_numbers(text) if self.rewrites else text


_KINDS: Mapping[str, Mapping[str, bool]] = {
    "shuffled": {},
    "redrawn": {"redraws": True, "rewrites": True},
    # without what changes the wording: both texts are as probable to a model that saw neither
    "exchanged": {"redraws": True},
}


def variation_of(settings: Mapping[str, Any], seed: int) -> Variation | None:
    """The variation that a task's setting ``variant`` names; None asks the task as it is."""
    name = settings.get("variant")
    return None if name is None else Variation(str(name), seed, **_KINDS[str(name)])
