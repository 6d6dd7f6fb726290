"""Words shipped with the product: question categories and capability dimensions.

Both fields stay open: an imported set may bring words of its own, which the pages then show as
they are. MT-Bench's eight categories are Zheng et al. 2023; the twelve use cases are those that
instruction-tuning sets sort prompts by.
"""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

MT_BENCH_CATEGORIES: dict[str, str | Promise] = {
    "writing": _("Writing"),
    "roleplay": _("Role play"),
    "reasoning": _("Reasoning"),
    "math": _("Mathematics"),
    "coding": _("Coding"),
    "extraction": _("Extraction"),
    "stem": _("Science and technology"),
    "humanities": _("Humanities"),
}

USE_CASES: dict[str, str | Promise] = {
    "advice": _("Advice"),
    "brainstorming": _("Brainstorming"),
    "classification": _("Classification"),
    "closed_question": _("Closed question"),
    "coding": _("Coding"),
    "creative_writing": _("Creative writing"),
    "extraction": _("Extraction"),
    "persona": _("Persona"),
    "open_question": _("Open question"),
    "reasoning": _("Reasoning"),
    "rewriting": _("Rewriting"),
    "summarisation": _("Summarisation"),
}

CATEGORIES: dict[str, str | Promise] = {**MT_BENCH_CATEGORIES, **USE_CASES}

DIMENSIONS: dict[str, str | Promise] = {
    "understanding": _("Understanding"),
    "reasoning": _("Reasoning"),
    "professional_skill": _("Professional skill"),
    "application": _("Application"),
    "instruction_following": _("Instruction following"),
    "robustness": _("Robustness"),
    "bias": _("Bias"),
    "hallucination": _("Hallucination"),
    "safety": _("Safety"),
}

LANGUAGES: dict[str, str | Promise] = {
    "en": _("English"),
    "zh": _("Chinese"),
}


def category_label(slug: str) -> str | Promise:
    """The shipped name of a category, or the word itself when it is somebody else's."""
    return CATEGORIES.get(slug, slug.replace("_", " ").replace("-", " "))


def dimension_label(slug: str) -> str | Promise:
    return DIMENSIONS.get(slug, slug.replace("_", " "))


def language_label(code: str) -> str | Promise:
    return LANGUAGES.get(code, code)
