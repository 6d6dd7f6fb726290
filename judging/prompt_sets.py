"""Prompt sets by name: those a user imported, then those that are shipped."""

from __future__ import annotations

from fnmatch import fnmatchcase

from judging.models import JudgePrompt
from judging.prompts import PromptError, PromptSet, PromptTemplate, shipped_prompts
from judging.prompts.shipped import shipped_prompt_names
from judging.task import TurnScope
from judging.verdicts.base import Mode


def prompt_set(name: str) -> PromptSet:
    """The imported prompts that ``name`` asks for, or else the shipped set called so.

    Imported prompts are named one by one, separated by commas; ``*`` stands for any characters, so
    that ``pair-v2*, pair-math-v1*`` is MT-Bench's pairwise set. Raises PromptError.
    """
    patterns = [pattern for pattern in (part.strip() for part in name.split(",")) if pattern]
    rows = list(JudgePrompt.objects.order_by("name"))
    found: dict[str, JudgePrompt] = {}
    for pattern in patterns:
        matching = {row.name: row for row in rows if fnmatchcase(row.name, pattern)}
        if not matching and len(patterns) > 1:
            raise PromptError(
                f"there is no imported judge prompt {pattern!r}; there are: "
                f"{', '.join(row.name for row in rows) or 'none'}"
            )
        found |= matching
    if found:
        return PromptSet(name, tuple(template_of(row) for row in found.values()))
    if name not in shipped_prompt_names():
        raise PromptError(
            f"there is no prompt set {name!r}; shipped are: {', '.join(shipped_prompt_names())}; "
            f"imported are: {', '.join(row.name for row in rows) or 'none'}"
        )
    return shipped_prompts(name)


def template_of(row: JudgePrompt) -> PromptTemplate:
    """A stored prompt as a template; raises PromptError for a placeholder that nothing fills."""
    return PromptTemplate(
        name=row.name,
        mode=Mode(row.mode),
        convention=row.convention,
        system=row.system_prompt,
        user=row.template,
        scope=TurnScope.LAST_TURN if row.is_multi_turn else TurnScope.ONE_TURN,
        categories=tuple(c for c in row.categories if c not in ("", "general", "*")),
    )
