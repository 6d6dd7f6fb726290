"""Judge prompts: our own in English and Chinese, and those of imported files.

``shipped_prompts("agon_pair")`` loads a set by name; ``PromptSet.choose`` picks the template that
fits a task; ``render`` fills it in without ever reading an answer as a template.
"""

from judging.prompts.imported import prompts_from_rows
from judging.prompts.rendering import RenderedPrompt, render
from judging.prompts.shipped import shipped_prompt_names, shipped_prompts
from judging.prompts.template import FOLLOW_QUESTION, PromptError, PromptSet, PromptTemplate

__all__ = [
    "FOLLOW_QUESTION",
    "PromptError",
    "PromptSet",
    "PromptTemplate",
    "RenderedPrompt",
    "prompts_from_rows",
    "render",
    "shipped_prompt_names",
    "shipped_prompts",
]
