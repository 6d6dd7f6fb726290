"""What judges said, shown on the pages of battles and questions."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby

from django.http import HttpRequest

from arena.models import Answer, Battle
from arena.panels import Panel, register_answer_panel, register_page_panel
from judging import voting_panels  # noqa: F401  # registers its panels
from judging.models import Judgment


@register_page_panel("battle_detail", position=10)
def battle_judgments(battle: Battle, _request: HttpRequest) -> Panel:
    """Every verdict on the battle with its raw text, dry runs and unreadable ones marked."""
    judgments = (
        Judgment.objects.filter(battle=battle)
        .select_related("judge")
        .order_by("judge__name", "judge__version", "turn", "repeat", "game")
    )
    context = {"battle": battle, "judgments": list(judgments)}
    return Panel("judging/_battle_judgments.html", context)


@register_answer_panel
def answer_judgments(answers: list[Answer]) -> Mapping[int, Panel]:
    """The single scores of each answer with the judges' raw texts; one query for all answers."""
    judgments = (
        Judgment.objects.filter(answer__in=answers)
        .select_related("judge")
        .order_by("answer_id", "judge__name", "judge__version", "turn", "repeat")
    )
    by_answer = groupby(judgments, key=lambda judgment: judgment.answer_id)
    return {
        answer_id: Panel("judging/_answer_judgments.html", {"judgments": list(rows)})
        for answer_id, rows in by_answer
        if answer_id is not None
    }
