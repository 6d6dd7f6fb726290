"""HTML of a ballot and of its reveal in a hurry: what repeats is rendered once per language.

A template is rendered with marks where the texts go and cut at them, so that a text can never
be taken for a mark. What the template gives in full and what is put together here is the same.
"""

from __future__ import annotations

import secrets
from functools import lru_cache

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.html import escape
from django.utils.safestring import mark_safe
from django.utils.translation import get_language

from arena.models import Ballot, Battle, LanguageModel
from arena.templatetags.text import language_code
from arena.voting.csrf import masked_token
from arena.voting.presentation import (
    Pane,
    Reveal,
    Share,
    ShownBallot,
    ShownTurn,
    show_ballot,
)
from arena.voting.progress import Progress
from arena.voting.texts import ShownText

_PARTS = ("token", "csrf", "round", "question", "language", "left", "right")
Skeleton = tuple[tuple[str, str], ...]


@lru_cache(maxsize=8)
def _skeleton(language: str, has_round: bool) -> Skeleton:
    """Pieces of the template, each followed by the name of what comes after it."""
    marks = {part: f"mark-{secrets.token_hex(8)}" for part in _PARTS}
    nothing = ShownText(mark_safe(""))
    ballot = ShownBallot(
        token=marks["token"],
        question=ShownText(mark_safe(marks["question"])),
        language=marks["language"],
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
        "csrf": masked_token(request),
        "round": shown.round_code,
        "question": shown.question.html,
        "language": escape(language_code(shown.language)),
        "left": shown.panes[0].turns[0].reply,
        "right": shown.panes[1].turns[0].reply,
    }
    skeleton = _skeleton(get_language() or "", bool(shown.round_code))
    return "".join(piece + values[part] for piece, part in skeleton)


def name_fragment(model: LanguageModel, side: str) -> str:
    """The model as ``_vote_name.html`` renders it."""
    shown = model.slug, model.display_name, model.organisation, model.is_demo
    return _name(get_language() or "", side, shown)


@lru_cache(maxsize=4096)
def _name(language: str, side: str, shown: tuple[str, str, str, bool]) -> str:
    columns = ("slug", "display_name", "organisation", "is_demo")
    model = LanguageModel(**dict(zip(columns, shown, strict=True)))
    return render_to_string("arena/_vote_name.html", {"model": model, "side": side})


def progress_fragment(progress: Progress) -> str:
    """The progress as ``_vote_progress.html`` renders it."""
    return _progress(get_language() or "", progress)


@lru_cache(maxsize=4096)
def _progress(language: str, progress: Progress) -> str:
    return render_to_string("arena/_vote_progress.html", {"progress": progress})


def reveal_fragment(told: Reveal, vote_url: str) -> str:
    """The reveal as ``_vote_reveal.html`` renders it; ``vote_url`` is where it leads on to."""
    values = (
        str(told.battle.pk),
        told.token,
        escape(vote_url),
        escape(told.left.display_name),
        escape(told.right.display_name),
    )
    html = _reveal(get_language() or "", told.choice, told.others)
    for mark, value in zip(_REVEAL_MARKS, values, strict=True):
        html = html.replace(mark, value)
    return html


# nobody outside can guess one, so no name holds another's; the battle's is a number, as the
# address wants one
_REVEAL_MARKS = (
    str(10**17 + secrets.randbelow(10**17)),
    *(f"mark-{secrets.token_hex(16)}" for _ in range(4)),
)


@lru_cache(maxsize=4096)
def _reveal(language: str, choice: str, others: tuple[Share, ...]) -> str:
    battle, token, vote_url, left, right = _REVEAL_MARKS
    told = Reveal(
        left=LanguageModel(display_name=left),
        right=LanguageModel(display_name=right),
        choice=choice,
        outcome="",
        battle=Battle(pk=int(battle)),
        token=token,
        others=others,
    )
    return render_to_string("arena/_vote_reveal.html", {"reveal": told, "vote_url": vote_url})
