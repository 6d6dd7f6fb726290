"""What remains of a generated text: reasoning apart, cut at the first stop string."""

from __future__ import annotations

from collections.abc import Sequence


def split_reasoning(text: str, think_end: str) -> tuple[str, str]:
    """``(reasoning, answer)``; without the marker the whole text is the answer."""
    if not think_end or think_end not in text:
        return "", text
    reasoning, _, answer = text.rpartition(think_end)
    return reasoning, answer.lstrip()


def cut_at_stop(text: str, stops: Sequence[str]) -> str:
    """The text before whichever stop string occurs first."""
    ends = [at for stop in stops if stop and (at := text.find(stop)) >= 0]
    return text[: min(ends)] if ends else text
