"""The questions that come with the program; their answers are short, right and alike in quality."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple

import yaml

from judging.probes.base import ProbeItem

_FILE = Path(__file__).with_name("items.yaml")


class Answered(NamedTuple):
    """A question with two answers; what is off its topic is taken from its neighbour."""

    key: str
    language: str
    question: str
    answer: str
    other_answer: str


@cache
def shipped_items() -> tuple[ProbeItem, ...]:
    """The shipped questions, English and Chinese."""
    loaded = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    return items_from([Answered(**row) for row in loaded])


def items_from(rows: list[Answered]) -> tuple[ProbeItem, ...]:
    """Items whose off-topic answer is that to the next question in the same language."""
    items = []
    for number, row in enumerate(rows):
        others = [*rows[number + 1 :], *rows[:number]]
        alike = [other for other in others if other.language == row.language] or others
        items.append(ProbeItem(**row._asdict(), off_topic=alike[0].answer if alike else ""))
    return tuple(items)
