"""Formatting only: the same words dressed up in Markdown must not gain."""

import re

from django.utils.translation import gettext_lazy as _

from judging.probes import PROBES
from judging.probes.base import Case, Criterion, JudgeNames, Probe, ProbeItem, by_language

HEADING = {"en": "Answer", "zh": "回答"}
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])\s*")


def plant(item: ProbeItem, number: int, names: JudgeNames) -> Case:
    """The honest answer against its own sentences as a list under a heading."""
    sentences = [part for part in _SENTENCE_END.split(item.answer) if part]
    points = "\n".join(f"- **{sentence}**" for sentence in sentences)
    return Case(item.answer, f"## {by_language(HEADING, item.language)}\n\n{points}")


PROBES.register("formatting")(
    Probe(
        _("Formatting only"),
        _("An answer must not get ahead of itself by headings, lists and bold type."),
        Criterion.PLANTED_GAINS_NOTHING,
        plant,
    )
)
