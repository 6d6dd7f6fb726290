"""Which turns of a conversation get a verdict of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from judging.judges.base import JudgeSettingsError
from judging.task import WHOLE_CONVERSATION

EACH, WHOLE = "each", "whole"
# stored beside the settings of the judge's kind, and like them part of its version
TURN_SETTINGS = ("single_turns", "pair_turns")


def check_turn_settings(settings: Mapping[str, Any]) -> None:
    """Raises JudgeSettingsError for a value that is neither ``each`` nor ``whole``."""
    for name in TURN_SETTINGS:
        if settings.get(name, EACH) not in (EACH, WHOLE):
            raise JudgeSettingsError(
                f"{name} is {settings[name]!r}; use {EACH!r} for a verdict on every turn, as in "
                f"MT-Bench, or {WHOLE!r} for one on the whole conversation"
            )


def judged_turns(settings: Mapping[str, Any], turns: int, *, is_single: bool) -> tuple[int, ...]:
    """The turns that are judged of a question with ``turns`` turns; 0 is all of them at once."""
    chosen = settings.get("single_turns" if is_single else "pair_turns", EACH)
    return (WHOLE_CONVERSATION,) if chosen == WHOLE else tuple(range(1, turns + 1))
