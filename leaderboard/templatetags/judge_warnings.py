"""Warnings on a board about the judges behind it."""

from typing import Any

from django import template

from leaderboard.judge_warnings import doubtful_judges
from leaderboard.models import Board

register = template.Library()


@register.inclusion_tag("judging/_probe_warning.html")
def judge_warnings(board: Board) -> dict[str, Any]:  # a template's context
    """One notice per judge that can be taken in, or that nobody has probed."""
    return {"doubtful": doubtful_judges(board)}
