"""What judge models that were tuned for the task share: their own prompt shape, one convention.

Such a model runs here (an endpoint of kind ``transformers_local``) or behind any endpoint. Where
it takes bare text (``api: completions``) and was tuned on ``[INST]`` marks, ``inst_marks`` puts
them around the prompt; a chat template writes them by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from judging.judges.base import JudgeContext, JudgeSettingsError
from judging.judges.chat import ChatSettings
from judging.prompts import PromptSet, PromptTemplate
from judging.verdicts.base import Mode


@dataclass(frozen=True, slots=True)
class TunedSettings:
    """What can be set of every tuned judge.

    ``pair_prompts`` and ``single_prompts`` name other prompts of the same convention, such as the
    model's own wording once imported; ``extra`` goes to the endpoint as is.
    """

    pair_prompts: str = ""
    single_prompts: str = ""
    inst_marks: bool = False
    temperature: float = 0.0
    max_tokens: int = 1_024
    extra: Mapping[str, Any] = field(default_factory=dict)  # Any: whatever the endpoint takes

    def chat(self) -> ChatSettings:
        """The same as a chat judge's settings."""
        return ChatSettings(
            temperature=self.temperature, max_tokens=self.max_tokens, extra=self.extra
        )


def tuned_prompts(
    settings: TunedSettings,
    context: JudgeContext,
    conventions: Mapping[Mode, str],
    defaults: Mapping[Mode, str],
    *,
    rubric: str = "",
) -> dict[Mode, PromptSet]:
    """A set per mode; refuses one whose templates are read by another convention."""
    given = {Mode.PAIRWISE: settings.pair_prompts, Mode.SINGLE: settings.single_prompts}
    sets = {}
    for mode, default in defaults.items():
        chosen = context.prompt_set(given[mode] or default)
        for template in chosen.templates:
            if template.mode is mode and template.convention != conventions[mode]:
                raise JudgeSettingsError(
                    f"prompt {template.name!r} is read by the convention {template.convention!r}; "
                    f"this judge writes {conventions[mode]!r}"
                )
        templates = tuple(_fitted(each, settings, rubric) for each in chosen.templates)
        sets[mode] = PromptSet(chosen.name, templates)
    return sets


def _fitted(template: PromptTemplate, settings: TunedSettings, rubric: str) -> PromptTemplate:
    user = f"[INST] {template.user} [/INST]" if settings.inst_marks else template.user
    return replace(template, user=user, rubric=rubric or template.rubric)
