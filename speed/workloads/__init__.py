"""What is sent: named recipes that turn options into prepared requests.

A workload is one module here: a registered function from a Recipe to Requests. Prompts carry a
salt by default, fresh for every conversation and run, because a server with a prefix cache
otherwise answers a repeated prompt from memory and looks up to twice as fast.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal  # request bodies are JSON of unknown shape

import orjson

from registry import Registry
from speed.plan import SALT_MARKER

Api = Literal["chat", "completions"]
Message = Mapping[str, str]


class WorkloadError(ValueError):
    """A workload that cannot be built from its options."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What every workload is built from.

    ``output_tokens`` fixes the length of answers (``max_tokens``, and with ``ignore_eos`` the
    extension that vLLM and SGLang understand). ``options`` belong to the workload itself.
    """

    model: str
    api: Api = "chat"
    count: int = 100
    output_tokens: int | None = None
    ignore_eos: bool = False
    is_streamed: bool = True
    is_salted: bool = True
    seed: int = 0
    temperature: float = 0.0
    extra_body: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)

    def option(self, name: str, default: Any) -> Any:
        """A workload's own option."""
        return self.options.get(name, default)


@dataclass(frozen=True, slots=True)
class Request:
    """One turn: its messages (for completions, their text), the answer's length, the pause before.

    ``chain`` groups the turns of one conversation.
    """

    messages: Sequence[Message]
    chain: int
    output_tokens: int | None = None
    think_s: float = 0.0


Workload = Callable[[Recipe], Iterable[Request]]
WORKLOADS: Registry[Workload] = Registry("workload", "speed.workloads")


def request_body(recipe: Recipe, request: Request) -> dict[str, Any]:
    """The JSON that is posted for a turn."""
    body: dict[str, Any] = {"model": recipe.model}
    if recipe.api == "chat":
        body["messages"] = [dict(message) for message in request.messages]
    else:
        body["prompt"] = "\n".join(message["content"] for message in request.messages)
    tokens = request.output_tokens or recipe.output_tokens
    if tokens:
        body["max_tokens"] = tokens
        if recipe.ignore_eos:
            body |= {"min_tokens": tokens, "ignore_eos": True}
    body["temperature"] = recipe.temperature
    body["stream"] = recipe.is_streamed
    if recipe.is_streamed:
        body["stream_options"] = {"include_usage": True}
    return body | dict(recipe.extra_body)


def salted(request: Request, shared_messages: int = 0) -> Request:
    """The turn with a salt at the very start of its first message that is not shared."""
    messages = [dict(message) for message in request.messages]
    place = min(shared_messages, len(messages) - 1)
    messages[place]["content"] = f"[{SALT_MARKER}] {messages[place]['content']}"
    return Request(messages, request.chain, request.output_tokens, request.think_s)


def write_requests(path: str | Path, recipe: Recipe, workload: str) -> int:
    """Prepare a workload for the generator; how many requests it holds.

    Raises UnknownPartError for an unknown workload and WorkloadError for unusable options.
    """
    build = WORKLOADS.get(workload)
    written = 0
    with Path(path).open("wb") as file:
        for request in build(recipe):
            is_marked = any(SALT_MARKER in message["content"] for message in request.messages)
            ready = salted(request) if recipe.is_salted and not is_marked else request
            expected = request.output_tokens or recipe.output_tokens
            entry: dict[str, Any] = {"body": request_body(recipe, ready), "chain": request.chain}
            if expected:
                entry["expected_output"] = expected
            if request.think_s:
                entry["think_s"] = request.think_s
            file.write(orjson.dumps(entry) + b"\n")
            written += 1
    if not written:
        raise WorkloadError(f"the workload {workload!r} made no request; check its options")
    return written


def user(text: str) -> list[Message]:
    """One message from the user."""
    return [{"role": "user", "content": text}]
