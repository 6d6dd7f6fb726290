"""Judges by kind, one module each; ``build_judge`` makes one from its stored settings."""

from judging.judges.base import (
    Ask,
    Judge,
    JudgeContext,
    JudgeFactory,
    JudgeRequest,
    JudgeSettingsError,
    Settings,
    Verdict,
)
from registry import Registry

JUDGES: Registry[type[JudgeFactory]] = Registry("judge", "judging.judges")


def build_judge(kind: str, settings: Settings, context: JudgeContext | None = None) -> Judge:
    """The judge of ``kind`` with ``settings``; what is left out has the kind's own default.

    Raises UnknownPartError for an unknown kind and JudgeSettingsError for settings that the kind
    does not have or cannot use.
    """
    return JUDGES.get(kind).from_settings(settings, context or JudgeContext())


__all__ = [
    "JUDGES",
    "Ask",
    "Judge",
    "JudgeContext",
    "JudgeFactory",
    "JudgeRequest",
    "JudgeSettingsError",
    "Settings",
    "Verdict",
    "build_judge",
]
