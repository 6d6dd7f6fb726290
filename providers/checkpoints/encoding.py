"""A conversation as the tokens that a checkpoint reads."""

from __future__ import annotations

from collections.abc import Sequence

from providers.base import FailureKind, Message, ProviderError
from providers.checkpoints.loading import LoadedCheckpoint

Turn = dict[str, str]


def encode(loaded: LoadedCheckpoint, messages: Sequence[Message]) -> list[int]:
    """Token ids of what is asked; raises ProviderError for what the model cannot read.

    Nothing is cut off: a conversation that does not fit fails, because a score or a verdict on
    half an answer would look like one on the whole.
    """
    if any(message.images for message in messages):
        raise ProviderError(FailureKind.BAD_REQUEST, "local models here read text only, no images")
    ids = _ids(loaded, messages)
    if not ids:
        raise ProviderError(FailureKind.BAD_REQUEST, "there is nothing to read: no token")
    room = loaded.max_length if loaded.is_scoring else loaded.max_length - 1
    if len(ids) > room:
        raise ProviderError(
            FailureKind.CONTEXT_TOO_LONG,
            f"the conversation has {len(ids)} tokens; {loaded.spec.checkpoint} reads "
            f"{loaded.max_length}",
        )
    return ids


def _ids(loaded: LoadedCheckpoint, messages: Sequence[Message]) -> list[int]:
    tokenizer = loaded.tokenizer
    if loaded.spec.is_raw:
        return _listed(tokenizer("\n\n".join(message.text for message in messages)))
    if tokenizer.chat_template:
        return _templated(loaded, [_turn(message) for message in messages])
    if loaded.is_scoring:
        *before, last = messages
        return _listed(tokenizer("\n\n".join(message.text for message in before), last.text))
    raise ProviderError(
        FailureKind.BAD_REQUEST,
        f"{loaded.spec.checkpoint} has no chat template; set the option chat_template, or the "
        "endpoint's api to completions to send texts as they stand",
    )


def _templated(loaded: LoadedCheckpoint, turns: list[Turn]) -> list[int]:
    from jinja2 import TemplateError

    def applied(these: list[Turn]) -> str:
        return str(
            loaded.tokenizer.apply_chat_template(
                these, tokenize=False, add_generation_prompt=not loaded.is_scoring
            )
        )

    try:
        text = applied(turns)
    except TemplateError as error:
        if turns[0]["role"] != "system" or len(turns) < 2:
            raise ProviderError(FailureKind.BAD_REQUEST, f"the chat template: {error}") from None
        # some formats have no system turn: its text then opens the first question
        first = turns[1] | {"content": f"{turns[0]['content']}\n\n{turns[1]['content']}"}
        text = applied([first, *turns[2:]])
    # the template has written the special tokens already
    return _listed(loaded.tokenizer(text, add_special_tokens=False))


def _turn(message: Message) -> Turn:
    role = "system" if message.role == "developer" else message.role
    return {"role": role, "content": message.text}


def _listed(encoded: object) -> list[int]:
    return list(encoded["input_ids"])  # type: ignore[index]  # a transformers BatchEncoding
