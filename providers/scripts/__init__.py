"""Rules by which a scripted model replies, by name; one module each.

A rule gets the conversation and settings and returns a reply, or raises ProviderError to play a
failure. It must be a pure function of them, so that replays agree.
"""

from collections.abc import Sequence
from typing import Protocol

from providers.base import Completion, GenerationSettings, Message
from registry import Registry


class Script(Protocol):
    """A rule; a plain ``str`` is short for a completion with that text."""

    def __call__(
        self, messages: Sequence[Message], settings: GenerationSettings
    ) -> str | Completion: ...


SCRIPTS: Registry[Script] = Registry("script", "providers.scripts")
