"""A sample as its page shows it: gold in words, and what the model thought of each choice."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.models import Sample

MOST_AT_ONCE = 20
LIKELIEST_SHOWN = 8


@dataclass(frozen=True, slots=True)
class ChoiceLine:
    """One choice with its summed log-probability; ``share`` is its part among the choices.

    ``per_character`` is what acc_norm compares. ``is_first`` marks the likeliest by the sum,
    ``is_first_per_character`` by characters.
    """

    text: str
    logprob: float | None
    share: float | None
    per_character: float | None
    tokens: int
    is_greedy: bool
    is_gold: bool
    is_first: bool
    is_first_per_character: bool


def choice_lines(
    sample: Sample, asked: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]]
) -> list[ChoiceLine]:
    """The choices of a likelihood sample, in the order they were asked."""
    pairs = [pair for pair in asked if pair[0]["kind"] == "likelihood"]
    sums = [response.get("logprob") for _, response in pairs]
    texts = [_choice_text(sample, place, request) for place, (request, _) in enumerate(pairs)]
    per_character = [
        None if value is None else value / max(len(str(request.get("continuation", "")).strip()), 1)
        for value, (request, _) in zip(sums, pairs, strict=True)
    ]
    shares = _shares(sums)
    gold = gold_places(sample, [str(request.get("continuation", "")) for request, _ in pairs])
    return [
        ChoiceLine(
            texts[place], sums[place], shares[place], per_character[place],
            int(response.get("tokens") or 0), bool(response.get("is_greedy")), place in gold,
            place == _first(sums), place == _first(per_character),
        )
        for place, (_, response) in enumerate(pairs)
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Choices:
    """What a page shows at once and what it folds away."""

    shown: list[ChoiceLine]
    rest: list[ChoiceLine]


def split_choices(lines: list[ChoiceLine]) -> Choices:
    """Few choices as they were asked; of many the likeliest and the right one, likeliest first."""
    if len(lines) <= MOST_AT_ONCE:
        return Choices(lines, [])
    ordered = sorted(lines, key=lambda line: -(line.share or 0.0))
    kept = [
        line
        for place, line in enumerate(ordered)
        if place < LIKELIEST_SHOWN or line.is_gold or line.is_first_per_character
    ]
    return Choices(kept, [line for line in ordered if line not in kept])


def _choice_text(sample: Sample, place: int, request: Mapping[str, Any]) -> str:
    """The continuation, with the choice it is the letter of."""
    continuation = str(request.get("continuation", "")).strip()
    choices = [str(choice) for choice in sample.choices]
    if len(continuation) == 1 and place < len(choices) and choices[place] != continuation:
        return f"{continuation}  {choices[place]}"
    return continuation or (choices[place] if place < len(choices) else "")


def _shares(sums: Sequence[float | None]) -> list[float | None]:
    known = [value for value in sums if value is not None]
    if not known:
        return [None] * len(sums)
    top = max(known)
    total = sum(math.exp(value - top) for value in known)
    return [None if value is None else math.exp(value - top) / total for value in sums]


def _first(values: Sequence[float | None]) -> int | None:
    known = [(value, -place) for place, value in enumerate(values) if value is not None]
    return -max(known)[1] if known else None


def gold_places(sample: Sample, continuations: Sequence[str]) -> set[int]:
    """Which choices are right: a target is a number, a letter, a text, or a list of these."""
    targets = sample.target if isinstance(sample.target, list) else [sample.target]
    found = set()
    for place, continuation in enumerate(continuations):
        names = {continuation.strip()}
        if place < len(sample.choices):
            names.add(str(sample.choices[place]))
        for target in targets:
            is_place = isinstance(target, int) and not isinstance(target, bool) and target == place
            if is_place or str(target) in names:
                found.add(place)
    return found


def gold_text(sample: Sample) -> str:
    """The target in words: a choice by its text, several joined."""
    targets = sample.target if isinstance(sample.target, list) else [sample.target]
    choices = [str(choice) for choice in sample.choices]
    words = []
    for target in targets:
        if (
            isinstance(target, int)
            and not isinstance(target, bool)
            and target in range(len(choices))
        ):
            words.append(choices[target])
        else:
            words.append("" if target is None else str(target))
    return " · ".join(words)
