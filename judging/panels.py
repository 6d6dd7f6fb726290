"""What judges said, shown on the pages of battles and questions."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby

from django.http import HttpRequest

from arena.models import Answer, Battle
from arena.panels import Panel, register_answer_panel, register_page_panel
from arena.selectors.disclosure import may_read_all
from judging import voting_panels  # noqa: F401  # registers its panels
from judging.disclosure import shown_to_strangers
from judging.models import Judgment


@register_page_panel("battle_detail", position=10)
def battle_judgments(battle: Battle, request: HttpRequest) -> Panel:
    """Every verdict on the battle with its raw text, dry runs and unreadable ones marked."""
    judgments = (
        Judgment.objects.filter(battle=battle)
        .select_related("judge", "battle__question")
        .order_by("judge__name", "judge__version", "turn", "repeat", "game")
    )
    shown = list(judgments)
    if not may_read_all(request, battle):
        shown = shown_to_strangers(shown)
    context = {"battle": battle, "judgments": shown}
    return Panel("judging/_battle_judgments.html", context)


@register_answer_panel
def answer_judgments(answers: list[Answer], *, may_read_all: bool) -> Mapping[int, Panel]:
    """The single scores of each answer with the judges' raw texts; one query for all answers."""
    judgments = (
        Judgment.objects.filter(answer__in=answers)
        .select_related("judge", "answer__question")
        .order_by("answer_id", "judge__name", "judge__version", "turn", "repeat")
    )
    shown = list(judgments) if may_read_all else shown_to_strangers(judgments)
    by_answer = groupby(shown, key=lambda judgment: judgment.answer_id)
    return {
        answer_id: Panel("judging/_answer_judgments.html", {"judgments": list(rows)})
        for answer_id, rows in by_answer
        if answer_id is not None
    }
