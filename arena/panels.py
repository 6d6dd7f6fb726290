"""Parts of a page that belong to the rooms above.

A question's page lives here, what a judge said about its answers lives in ``judging``, and
``arena`` may not import it. So each room registers its parts in a module named ``panels``, which
is imported when Django starts, and the page shows whatever is registered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from django.http import HttpRequest

from arena.models import Answer, Battle, InviteRound, LanguageModel, Question, Voter

Subject = LanguageModel | Question | Battle | Voter | InviteRound | None


@dataclass(frozen=True, slots=True)
class Panel:
    """A template and what it needs. ``context`` is any template's own business."""

    template: str
    context: Mapping[str, Any] = field(default_factory=dict)


PageSource = Callable[[Any, HttpRequest], Panel | None]


class AnswerSource(Protocol):
    """A reader who may not read all gets texts without personal data."""

    def __call__(self, answers: list[Answer], *, may_read_all: bool) -> Mapping[int, Panel]: ...


@dataclass(frozen=True, slots=True)
class _PagePart:
    position: int
    source: PageSource


_PAGE_PARTS: dict[str, list[_PagePart]] = {}
_ANSWER_PARTS: list[AnswerSource] = []


def register_page_panel(page: str, *, position: int) -> Callable[[PageSource], PageSource]:
    """Decorate a function that gives the panel of ``page`` for its subject, or None.

    Pages are named by their URL names: ``home`` (its subject is None), ``model_detail``,
    ``question_detail``, ``battle_detail``, ``vote_verdicts`` (a battle just voted on), ``my_votes``
    (a voter), ``round_detail`` (a closed round), ``satisfaction`` (None). Lower positions stand
    higher.
    """

    def remember(source: PageSource) -> PageSource:
        _PAGE_PARTS.setdefault(page, []).append(_PagePart(position, source))
        return source

    return remember


def register_answer_panel(source: AnswerSource) -> AnswerSource:
    """Decorate a function that gives, for many answers at once, a panel by answer id."""
    _ANSWER_PARTS.append(source)
    return source


def page_panels(page: str, subject: Subject, request: HttpRequest) -> list[Panel]:
    """What the rooms above have to show on this page, in order."""
    parts = sorted(_PAGE_PARTS.get(page, ()), key=lambda part: part.position)
    panels = (part.source(subject, request) for part in parts)
    return [panel for panel in panels if panel is not None]


def answer_panels(answers: Iterable[Answer], *, may_read_all: bool) -> dict[int, list[Panel]]:
    """Per answer id what the rooms above say about it; one call per source, not per answer."""
    rows = list(answers)
    panels: dict[int, list[Panel]] = {}
    for source in _ANSWER_PARTS:
        for answer_id, panel in source(rows, may_read_all=may_read_all).items():
            panels.setdefault(answer_id, []).append(panel)
    return panels
