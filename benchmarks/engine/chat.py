"""A checkpoint's chat format, from its tokenizer alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

from benchmarks.engine.spec import ModelSpec


class TokenizerChat:
    """Turns conversations into prompts; ``template`` is the text of the format."""

    def __init__(self, tokenizer: Any) -> None:  # a transformers tokenizer
        self.tokenizer = tokenizer
        self.template = str(tokenizer.chat_template or "")

    def __call__(
        self, messages: Sequence[Mapping[str, str]], add_generation_prompt: bool = True
    ) -> str:
        from jinja2 import TemplateError

        options = {
            "tokenize": False,
            "add_generation_prompt": add_generation_prompt,
            "continue_final_message": not add_generation_prompt,
        }
        try:
            return str(self.tokenizer.apply_chat_template(list(messages), **options))
        except TemplateError:
            # some templates refuse a system turn; lm-eval then leaves it out
            turns = [message for message in messages if message["role"] != "system"]
            return str(self.tokenizer.apply_chat_template(turns, **options))


def tokenizer_chat(spec: ModelSpec) -> TokenizerChat:
    """The chat format of a checkpoint; raises ValueError where it has none."""
    transformers: Any = import_module("transformers")  # its own types reject its documented calls
    tokenizer = transformers.AutoTokenizer.from_pretrained(
        spec.tokenizer or spec.checkpoint, revision=spec.revision
    )
    if not tokenizer.chat_template:
        raise ValueError(
            f"{spec.checkpoint} has no chat template; run it without --apply-chat-template"
        )
    return TokenizerChat(tokenizer)
