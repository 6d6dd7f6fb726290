"""What strangers read of live battles: the same texts, personal data replaced.

The visitors who held a conversation, and the staff, read it as it was.
"""

from __future__ import annotations

from copy import copy
from typing import Any

from django.http import HttpRequest

from arena.models import Answer, Battle, Question
from arena.voting.merging import voters_of
from arena.voting.personal_data import remove_personal_data
from arena.voting.voters import known_visitor


def may_read_all(request: HttpRequest, battle: Battle) -> bool:
    """Everybody reads stored battles; a live one belongs to its voter."""
    if request.user.is_staff or battle.question is None or not battle.question.is_live:
        return True
    visitor = known_visitor(request)
    return visitor is not None and (
        Battle.objects.filter(pk=battle.pk).held_by(voters_of(visitor.voter)).exists()
    )


def without_personal_data(text: str) -> str:
    return remove_personal_data(text)[0]


def disclosed_question(question: Question) -> Question:
    """A copy for strangers, not to be saved."""
    shown = copy(question)
    shown.turns = [[_disclosed(part) for part in turn] for turn in question.turns]
    return shown


def disclosed_answer(answer: Answer) -> Answer:
    """A copy for strangers, not to be saved."""
    shown = copy(answer)
    shown.turns = [without_personal_data(text) for text in answer.turns]
    shown.reasoning = [without_personal_data(text or "") for text in answer.reasoning]
    return shown


def disclosed_replaced(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:  # JSON
    return [_disclosed(row) for row in rows]


def _disclosed(row: Any) -> Any:  # JSON
    return {
        key: without_personal_data(value) if isinstance(value, str) and key != "url" else value
        for key, value in row.items()
    }
