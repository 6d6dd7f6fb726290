"""Finding tasks by name, for pages: lm-eval's list is read by a worker, never by a request."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec

from django.core.cache import cache as shared_cache

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

    if shared_cache.add("benchmarks:reading-catalogue", True, ASK_AGAIN_AFTER_S):
        read_task_catalogue.delay()


@cache
def searchable_cards(is_ready: bool) -> list[tuple[str, TaskCard]]:
    """Every task, group and preset with the text it is found by; made once per process."""
    cards = [
        card
        for name, suite in SUITES.items()
        if is_ready or name != "lm-eval"
        for card in suite.cards(data_home())
    ]
    cards.sort(key=lambda card: (card.suite == "lm-eval", card.kind != "group", card.name))
    return [(f"{card.name} {card.title} {card.dataset}".lower(), card) for card in cards]


def search_cards(text: str, *, waits: bool = False) -> list[TaskCard]:
    """Cards with every word of ``text`` in their name, title or data set; exact names first.

    ``waits`` until lm-eval's list is read; otherwise it is left out where it is not read yet.
    """
    words = text.lower().split()
    known = searchable_cards(waits or is_catalogue_ready())
    found = [card for searched, card in known if all(word in searched for word in words)]
    return sorted(found, key=lambda card: card.name.lower() != text.lower())


def card_and_tree(name: str) -> tuple[TaskCard, TaskTree]:
    """A task or group as it is listed and what it stands for; raises TaskError."""
    suite, tree = find(name, data_home())
    cards = {card.name: card for card in SUITES.get(suite).cards(data_home())}
    return cards.get(name) or TaskCard(name, suite), tree
