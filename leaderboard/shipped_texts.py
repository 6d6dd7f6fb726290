"""Texts the program brings as data rather than as code, named so that translators get to see them.

A rating method says its label where it is registered, in a module that knows no Django, and a demo
model's description stands in a JSON file. Neither can be marked for translation on the spot, so
``makemessages`` asks here, and pages show such texts through the filter ``translated``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from arena.licenses import SHIPPED_LICENSES
from judging.judges import JUDGES
from judging.labels import kind_words
from leaderboard.demo import FOLDER
from leaderboard.ratings import METHODS

# written by a migration, which is never edited again
FIRST_BOARD = ("Overall", "All models, on everything people voted for and judges decided.")


@dataclass(frozen=True, slots=True)
class ShippedText:
    """``origin`` tells the translator what the text belongs to."""

    text: str
    origin: str


def shipped_texts() -> Iterator[ShippedText]:
    """Every text that a page may show and that no source file can mark."""
    for name, method in METHODS.items():
        yield ShippedText(method.label, f"Rating method {name}")
        yield ShippedText(method.description, f"Rating method {name}")
    for name in JUDGES:
        yield ShippedText(kind_words(name), "Kind of judge")
    for text in FIRST_BOARD:
        yield ShippedText(text, "The board of a new installation")
    for license_ in SHIPPED_LICENSES:
        if license_.condition:
            yield ShippedText(license_.condition, f"What {license_.spdx_id} asks for")
    for line in (FOLDER / "models.jsonl").read_text(encoding="utf-8").splitlines():
        model = json.loads(line)
        yield ShippedText(model["description"], f"Demo model {model['slug']}")
    yield ShippedText("Overall", "The board of a new installation")
    yield ShippedText(
        "All models, on everything people voted for and judges decided.",
        "The board of a new installation",
    )
