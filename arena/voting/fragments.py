"""A ballot's HTML in a hurry: everything but the texts is rendered once per language.

The template is rendered with marks where the texts go and cut at them, so that a text can never
be taken for a mark. What the template gives in full and what is put together here is the same.
"""

from __future__ import annotations

import secrets
from functools import lru_cache

from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.template.loader import render_to_string
from django.utils.safestring import mark_safe
from django.utils.translation import get_language

from arena.models import Ballot
from arena.voting.presentation import (
    Pane,
    ShownBallot,
    ShownText,
    ShownTurn,
    show_ballot,
)

_PARTS = ("token", "csrf", "round", "question", "left", "right")
Skeleton = tuple[tuple[str, str], ...]


@lru_cache(maxsize=8)
def _skeleton(language: str, has_round: bool) -> Skeleton:
    """Pieces of the template, each followed by the name of what comes after it."""
    marks = {part: f"mark-{secrets.token_hex(8)}" for part in _PARTS}
    nothing = ShownText(mark_safe(""))
    ballot = ShownBallot(
        token=marks["token"],
        question=ShownText(mark_safe(marks["question"])),
        panes=(
            Pane("left", (ShownTurn(nothing, mark_safe(marks["left"]), False),)),
            Pane("right", (ShownTurn(nothing, mark_safe(marks["right"]), False),)),
        ),
        round_code=marks["round"] if has_round else "",
    )
    html: str = render_to_string(
        "arena/_vote_ballot.html", {"ballot": ballot, "csrf_token": marks["csrf"]}
    )
    pieces: list[tuple[str, str]] = []
    while True:
        found = [(html.index(mark), part) for part, mark in marks.items() if mark in html]
        if not found:
            return (*pieces, (html, ""))
        place, part = min(found)
        pieces.append((html[:place], part))
        html = html[place + len(marks[part]) :]


def ballot_fragment(request: HttpRequest, ballot: Ballot) -> str:
    """The ballot as ``_vote_ballot.html`` renders it."""
    shown = show_ballot(ballot)
    if shown.question.images or any(len(pane.turns) != 1 for pane in shown.panes):
        return render_to_string("arena/_vote_ballot.html", {"ballot": shown}, request)
    values = {
        "": "",
        "token": shown.token,
        "csrf": get_token(request),
        "round": shown.round_code,
        "question": shown.question.html,
        "left": shown.panes[0].turns[0].reply,
        "right": shown.panes[1].turns[0].reply,
    }
    skeleton = _skeleton(get_language() or "", bool(shown.round_code))
    return "".join(piece + values[part] for piece, part in skeleton)
