"""How a task was asked, in the few words that stand beside its score."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from benchmarks.suites_base import AskProtocol

WORDS = {
    AskProtocol.NATIVE: "",
    AskProtocol.GENERATION: _("in writing"),
    AskProtocol.LETTERS: _("by letters, an approximation"),
}


def protocol_words(name: str) -> str:
    """Empty for a task that was asked as its definition says."""
    return str(WORDS[AskProtocol(name)])
