"""Finding tasks by name, for pages: lm-eval's list is read by a worker, never by a request."""

from __future__ import annotations

from importlib.util import find_spec

from django.core.cache import cache

from benchmarks.harness.catalogue import catalogue, kept_file
from benchmarks.services.options import data_home
from benchmarks.suites import SUITES
from benchmarks.suites.presets import find
from benchmarks.suites_base import TaskCard, TaskTree

ASK_AGAIN_AFTER_S = 120


def is_catalogue_ready() -> bool:
    """Whether lm-eval's list can be used without reading fourteen thousand files first."""
    return find_spec("lm_eval") is None or kept_file(data_home()).exists()


def read_catalogue() -> None:
    """Read and keep the list, if that has not been done for the installed version."""
    if find_spec("lm_eval") is not None:
        catalogue(data_home())


def ask_for_catalogue() -> None:
    """Let a worker read the list, unless one was asked a moment ago."""
    from benchmarks.tasks import read_task_catalogue

    if cache.add("benchmarks:reading-catalogue", True, ASK_AGAIN_AFTER_S):
        read_task_catalogue.delay()


def all_cards() -> list[TaskCard]:
    """Every task, group and preset that can be named now."""
    is_ready = is_catalogue_ready()
    return [
        card
        for name, suite in SUITES.items()
        if is_ready or name != "lm-eval"
        for card in suite.cards(data_home())
    ]


def search_cards(text: str) -> list[TaskCard]:
    """Cards with every word of ``text`` in their name, title or data set; exact names first."""
    words = text.lower().split()
    found = [
        card
        for card in all_cards()
        if all(word in f"{card.name} {card.title} {card.dataset}".lower() for word in words)
    ]
    found.sort(key=lambda card: (card.name.lower() != text.lower(), card.suite == "lm-eval",
                                 card.kind != "group", card.name))  # fmt: skip
    return found


def card_and_tree(name: str) -> tuple[TaskCard, TaskTree]:
    """A task or group as it is listed and what it stands for; raises TaskError."""
    suite, tree = find(name, data_home())
    cards = {card.name: card for card in SUITES.get(suite).cards(data_home())}
    return cards.get(name) or TaskCard(name, suite), tree
