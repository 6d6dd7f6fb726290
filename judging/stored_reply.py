"""A model's reply as JSON of a row, and back: what reading a verdict takes, and no more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.base import Completion, TokenLogprob

# first-token candidates are all that a verdict convention reads of a reply besides its text
_KEPT_POSITIONS = 1


def storable(text: str) -> str:
    """``text`` without NUL, which PostgreSQL cannot store."""
    return text.replace("\x00", "\ufffd")


def reply_as_json(completion: Completion) -> dict[str, Any]:  # JSON
    """The parts that are kept."""
    kept = completion.top_logprobs[:_KEPT_POSITIONS]
    logprobs = [[[storable(c.token), c.logprob] for c in position] for position in kept]
    reply: dict[str, Any] = {
        "text": storable(completion.text),
        "finish_reason": completion.finish_reason,
        "top_logprobs": logprobs,
    }
    return {name: value for name, value in reply.items() if value or name == "text"}


def reply_from_json(reply: Mapping[str, Any], *, raw_text: str = "") -> Completion:
    """The reply again, without what it took; ``raw_text`` where the text stands elsewhere."""
    return Completion(
        text=reply.get("text", raw_text),
        finish_reason=reply.get("finish_reason", ""),
        top_logprobs=tuple(
            tuple(TokenLogprob(token, logprob) for token, logprob in position)
            for position in reply.get("top_logprobs", ())
        ),
    )
