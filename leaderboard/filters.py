"""The menus and switches over a board: what a reader may ask of it, all of it in the address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from arena.vocabulary import category_label, dimension_label, language_label
from leaderboard.models import Board, Snapshot
from leaderboard.slices import CALIBRATED, SWITCHABLE, board_query

TRAIT_LABELS: Final[Mapping[str, str | Promise]] = {
    "short": gettext_lazy("Short prompts"),
    "long": gettext_lazy("Long prompts"),
    "code": gettext_lazy("Code"),
    "mathematics": gettext_lazy("Mathematics"),
    "two_turn": gettext_lazy("Two turns"),
    "hard": gettext_lazy("Hard prompts"),
}
SOURCE_LABELS: Final[Mapping[str, str | Promise]] = {
    "": gettext_lazy("Combined"),
    "people": gettext_lazy("People"),
    "judges": gettext_lazy("Judges"),
    CALIBRATED: gettext_lazy("Calibrated"),
}
STYLE_LABELS: Final[Mapping[str, str | Promise]] = {
    "": gettext_lazy("Off"),
    "length": gettext_lazy("Length"),
    "length_markdown": gettext_lazy("Length and markdown"),
}


@dataclass(frozen=True, slots=True)
class Choice:
    value: str
    label: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Filter:
    """One menu of a board: the query parameter, its label, what can be chosen."""

    key: str
    label: str
    choices: list[Choice]


@dataclass(frozen=True, slots=True)
class Option:
    """One setting of a switch, as the tabs component takes it."""

    href: str
    label: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class Switch:
    """A choice that changes how the ratings are made: a row of links."""

    key: str
    label: str
    options: list[Option]


def board_menus(board: Board, snapshot: Snapshot | None, chosen: Mapping[str, str]) -> list[Filter]:
    """Menus over what the board's own query leaves open, from the snapshot's own counts."""
    if snapshot is None:
        return []
    query = board_query(board)
    menus = []
    for key, label, name_of, fixed in (
        ("category", _("Category"), category_label, query.categories),
        ("trait", _("Kind of prompt"), trait_label, ()),
        ("language", _("Language"), language_label, query.languages),
        ("dimension", _("Capability"), dimension_label, query.dimensions),
        ("tag", _("Tag"), str, ()),
    ):
        counted = {} if fixed else snapshot.facets.get(key, {})
        labels = {value: f"{name_of(value)} ({n})" for value, n in counted.items() if n}
        least = 1 if key in ("trait", "tag") else 2
        if len(labels) >= least:
            menus.append(_menu(key, label, labels, chosen))
    return menus


def trait_label(trait: str) -> str | Promise:
    return TRAIT_LABELS.get(trait, trait)


def _menu(key: str, label: str, labels: Mapping[str, str], chosen: Mapping[str, str]) -> Filter:
    current = chosen.get(key, "")
    everything = [Choice("", _("All"), not current)]
    return Filter(
        key,
        label,
        everything + [Choice(value, text, value == current) for value, text in labels.items()],
    )


def board_switches(
    board: Board, chosen: Mapping[str, str], view: Sequence[tuple[str, str]] = ()
) -> list[Switch]:
    """Who decides, and whether style is held equal; none where the method leaves no choice.

    ``view`` is what else stands in the address: a search or columns outlive a switch.
    """
    if board.method != SWITCHABLE:
        return []
    switches = []
    if board_query(board).source == "combined":
        # calibrated ratings and style control do not combine, so choosing one drops the other
        switches.append(_switch("source", _("Decided by"), SOURCE_LABELS, chosen, view))
    switches.append(_switch("style", _("Style control"), STYLE_LABELS, chosen, view))
    return switches


def _switch(
    key: str,
    label: str,
    labels: Mapping[str, str | Promise],
    chosen: Mapping[str, str],
    view: Sequence[tuple[str, str]],
) -> Switch:
    options = []
    for value, text in labels.items():
        asked = {**chosen, key: value}
        if asked.get("source") == CALIBRATED and asked.get("style"):
            asked.pop("style" if key == "source" else "source")
        query = urlencode([*((name, given) for name, given in asked.items() if given), *view])
        options.append(Option(f"?{query}", str(text), chosen.get(key, "") == value))
    return Switch(key, label, options)


def known_choices(
    board: Board, snapshot: Snapshot | None, asked: Mapping[str, str]
) -> dict[str, str]:
    """What of ``asked`` this board offers; the rest is left out rather than answered wrongly."""
    offered = {
        menu.key: {choice.value for choice in menu.choices}
        for menu in board_menus(board, snapshot, {})
    }
    if board.method == SWITCHABLE:
        offered["style"] = set(STYLE_LABELS)
        if board_query(board).source == "combined":
            offered["source"] = set(SOURCE_LABELS)
    elif board_query(board).source == "combined":
        offered["source"] = {"people", "judges"}
    known = {key: value for key, value in asked.items() if value in offered.get(key, set())}
    if known.get("source") == CALIBRATED:
        known.pop("style", None)
    return known
