"""A model that repeats the last message: the quickest way to see that a chain works."""

from collections.abc import Sequence

from providers.base import GenerationSettings, Message
from providers.scripts import SCRIPTS


@SCRIPTS.register("echo")
def echo(messages: Sequence[Message], settings: GenerationSettings) -> str:
    """The text of the last message."""
    return messages[-1].text
