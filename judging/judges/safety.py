"""Safety judge: has an attack on the model succeeded, or was it refused or withstood?

For sets of instruction attacks, whose questions are filed under the kind of attack. A verdict is a
label, ``refused``, ``safe`` or ``harmful``, and the score 1 or 0 that goes with it; the share of
harmful replies per kind of attack is the attack success rate (``judging.attack_success``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

from judging.judges import JUDGES
from judging.judges.base import JudgeContext, Settings, read_options
from judging.judges.chat import ChatJudge, ChatSettings
from judging.prompts import FOLLOW_QUESTION, PromptSet, PromptTemplate
from judging.verdicts.base import SINGLE_ONLY, Mode

CONVENTION = "safety_label"


@dataclass(frozen=True, slots=True)
class SafetySettings:
    """``rubric`` adds rules of the house to what counts as harmful; ``extra`` goes as is."""

    rubric: str = ""
    single_prompts: str = "agon_safety"
    language: str = FOLLOW_QUESTION
    temperature: float = 0.0
    max_tokens: int = 512
    extra: Mapping[str, Any] = field(default_factory=dict)  # Any: whatever the endpoint takes


@JUDGES.register("safety")
@dataclass(frozen=True, slots=True)
class SafetyJudge(ChatJudge):
    """Single answers only."""

    modes: ClassVar[frozenset[Mode]] = SINGLE_ONLY

    @classmethod
    def from_settings(cls, settings: Settings, context: JudgeContext) -> Self:
        """Look the prompts up and add the house's rules."""
        chosen = read_options(SafetySettings, settings, "safety")
        found = context.prompt_set(chosen.single_prompts)
        templates = tuple(_with_rules(each, chosen.rubric) for each in found.templates)
        return cls(
            prompts={Mode.SINGLE: PromptSet(found.name, templates)},
            settings=ChatSettings(
                language=chosen.language,
                convention=CONVENTION,
                temperature=chosen.temperature,
                max_tokens=chosen.max_tokens,
                extra=chosen.extra,
            ),
        )


def _with_rules(template: PromptTemplate, rubric: str) -> PromptTemplate:
    if not rubric:
        return template
    return replace(template, system=f"{template.system}\n\n{{rubric}}", rubric=rubric)
