"""A model whose replies are known beforehand: for demos, tests and replays, without a network.

``EndpointConfig.settings`` says what it replies, how fast, and when it fails; docs/providers.md
lists the options.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeAlias

from providers import PROVIDERS
from providers.base import (
    Completion,
    CompletionStream,
    Delta,
    EndpointConfig,
    FailureKind,
    GenerationSettings,
    Message,
    ProviderContext,
    ProviderError,
    TextPart,
)
from providers.calling import CallingProvider, Parts, estimate_text_tokens
from providers.scripts import SCRIPTS

StoredReply: TypeAlias = str | Mapping[str, Any]  # text, or some of Completion's fields
REPLY_FIELDS = frozenset(field.name for field in fields(Completion)) - {"attempts", "top_logprobs"}
DEFAULT_CHUNK_CHARACTERS = 12
DEFAULT_SETTINGS = GenerationSettings()


def conversation_key(messages: Sequence[Message]) -> str:
    """Names a conversation: the same messages give the same key on every machine."""
    turns = [
        [message.role, message.text, *(image.url for image in message.images)]
        for message in messages
    ]
    return sha256(json.dumps(turns, ensure_ascii=False).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class PlannedFailure:
    """When a call fails, and how: exactly one of the four conditions is set.

    ``on_calls`` counts this provider's requests from 1; ``every`` fails each n-th of them;
    ``first_attempts`` fails that often at each conversation; ``share`` fails that part of all
    conversations for good, chosen by a hash with ``seed``.
    """

    kind: FailureKind
    on_calls: tuple[int, ...] = ()
    every: int = 0
    first_attempts: int = 0
    share: float = 0.0
    seed: int = 0
    retry_after_s: float | None = None

    @classmethod
    def from_settings(cls, given: Mapping[str, Any]) -> "PlannedFailure":
        """Read a planned failure; raises ValueError that names what is wrong."""
        known = {field.name for field in fields(cls)}
        if unknown := sorted(set(given) - known):
            raise ValueError(
                f"planned failure has unknown {', '.join(unknown)}; known: {sorted(known)}"
            )
        conditions = [
            name for name in ("on_calls", "every", "first_attempts", "share") if given.get(name)
        ]
        if len(conditions) != 1:
            raise ValueError(
                "a planned failure needs exactly one of on_calls, every, first_attempts, share; "
                f"it has {conditions or 'none'}"
            )
        kind = FailureKind(given.get("kind", "server_error"))
        return cls(**{**given, "kind": kind, "on_calls": tuple(given.get("on_calls", ()))})

    def strikes(self, *, call: int, attempt: int, key: str) -> bool:
        """Whether request number ``call``, the ``attempt``-th at conversation ``key``, fails."""
        if self.share:
            digest = sha256(f"{self.seed}:{key}".encode()).digest()
            return int.from_bytes(digest[:8], "big") < self.share * 2**64
        if self.first_attempts:
            return attempt <= self.first_attempts
        return call in self.on_calls or (self.every > 0 and call % self.every == 0)

    def error(self) -> ProviderError:
        """The failure itself."""
        return ProviderError(
            self.kind, "planned failure of a scripted model", retry_after_s=self.retry_after_s
        )


@PROVIDERS.register("scripted")
class ScriptedProvider(CallingProvider):
    """Replays stored replies or follows a named rule, within the same limits as a real endpoint."""

    def __init__(self, config: EndpointConfig, context: ProviderContext) -> None:
        super().__init__(config, context)
        options = config.settings
        self._script = SCRIPTS.get(options["script"]) if "script" in options else None
        self._replies: dict[str, StoredReply] = dict(options.get("replies", {}))
        if path := options.get("replies_file"):
            self._replies |= read_replies(str(path))
        self._default: StoredReply | None = options.get("default")
        self._delay_s = float(options.get("delay_s", 0.0))
        self._chunk_delay_s = float(options.get("chunk_delay_s", 0.0))
        self._chunk_characters = int(options.get("chunk_characters", DEFAULT_CHUNK_CHARACTERS))
        self._failures = [
            PlannedFailure.from_settings(given) for given in options.get("failures", ())
        ]
        self._calls = 0
        self._attempts: Counter[str] = Counter()

    async def complete(
        self, messages: Sequence[Message], settings: GenerationSettings | None = None
    ) -> Completion:
        """The scripted reply after the configured delay."""
        chosen = settings or DEFAULT_SETTINGS

        async def attempt() -> Completion:
            began_at = self._timing.now()
            failure = self._next_failure(messages)
            await self._pause(self._delay_s)
            if failure is not None:
                raise failure
            reply = self._reply(messages, chosen)
            return replace(reply, latency_s=reply.latency_s or self._timing.now() - began_at)

        return await self._caller.complete(attempt, messages, chosen)

    def stream(
        self, messages: Sequence[Message], settings: GenerationSettings | None = None
    ) -> CompletionStream:
        """The scripted reply in pieces of ``chunk_characters``, ``chunk_delay_s`` apart."""
        chosen = settings or DEFAULT_SETTINGS
        return self._caller.stream(lambda: self._parts(messages, chosen), messages, chosen)

    async def _parts(self, messages: Sequence[Message], settings: GenerationSettings) -> Parts:
        began_at = self._timing.now()
        failure = self._next_failure(messages)
        await self._pause(self._delay_s)
        if failure is not None and failure.kind is not FailureKind.STREAM_CUT:
            raise failure
        reply = self._reply(messages, settings)
        ttft_s: float | None = None
        deltas = self._deltas(reply)
        for index, delta in enumerate(deltas):
            if failure is not None and index >= len(deltas) // 2:
                raise failure
            if index:
                await self._pause(self._chunk_delay_s)
            ttft_s = ttft_s if ttft_s is not None else self._timing.now() - began_at
            yield delta
        yield replace(
            reply,
            latency_s=reply.latency_s or self._timing.now() - began_at,
            ttft_s=reply.ttft_s if reply.ttft_s is not None else ttft_s,
        )

    def _deltas(self, reply: Completion) -> list[Delta]:
        size = self._chunk_characters
        thought, text = reply.reasoning, reply.text
        pieces = [Delta(reasoning=thought[at : at + size]) for at in range(0, len(thought), size)]
        return pieces + [Delta(text[at : at + size]) for at in range(0, len(text), size)]

    def _next_failure(self, messages: Sequence[Message]) -> ProviderError | None:
        self._calls += 1
        if not self._failures:
            return None
        key = conversation_key(messages)
        self._attempts[key] += 1
        for planned in self._failures:
            if planned.strikes(call=self._calls, attempt=self._attempts[key], key=key):
                return planned.error()
        return None

    async def _pause(self, seconds: float) -> None:
        if seconds:
            await self._timing.sleep(seconds)

    def _reply(self, messages: Sequence[Message], settings: GenerationSettings) -> Completion:
        said = self._stored(messages)
        if said is None and self._script is not None:
            said = self._script(messages, settings)
        if said is None:
            said = self._default
        if said is None:
            raise ProviderError(
                FailureKind.NOT_FOUND,
                f"scripted model {self._config.model!r} has no reply to "
                f"{messages[-1].text[:80]!r}; add one under {conversation_key(messages)}, "
                "a script or a default",
            )
        reply = said if isinstance(said, Completion) else stored_completion(said)
        return self._with_estimates(reply, messages)

    def _stored(self, messages: Sequence[Message]) -> StoredReply | Completion | None:
        if not self._replies:
            return None
        by_conversation = self._replies.get(conversation_key(messages))
        return self._replies.get(messages[-1].text) if by_conversation is None else by_conversation

    def _with_estimates(self, reply: Completion, messages: Sequence[Message]) -> Completion:
        is_known = reply.input_tokens is not None and reply.output_tokens is not None
        prompt = sum(estimate_text_tokens(message.text) for message in messages)
        said = estimate_text_tokens(reply.reasoning + reply.text)
        return replace(
            reply,
            input_tokens=reply.input_tokens if reply.input_tokens is not None else prompt,
            output_tokens=reply.output_tokens if reply.output_tokens is not None else said,
            is_usage_reported=reply.is_usage_reported or is_known,
            finish_reason=reply.finish_reason or "stop",
            model=reply.model or self._config.model,
        )


def stored_completion(stored: StoredReply) -> Completion:
    """A stored reply as a completion; raises ValueError on fields that a completion has not."""
    if isinstance(stored, str):
        return Completion(text=stored)
    if unknown := sorted(set(stored) - REPLY_FIELDS):
        raise ValueError(
            f"stored reply has unknown fields {', '.join(unknown)}; "
            f"known: {', '.join(sorted(REPLY_FIELDS))}"
        )
    return Completion(**stored)


@lru_cache(maxsize=16)
def read_replies(path: str) -> dict[str, StoredReply]:
    """Stored replies from a JSON Lines file.

    Each line has a ``reply`` (text, or an object of completion fields) and one of ``key``
    (conversation_key), ``prompt`` (the last message's text) or ``messages``.
    """
    replies: dict[str, StoredReply] = {}
    with Path(path).open(encoding="utf-8", newline="\n") as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                name, reply = _read_reply(line, f"{path}, line {number}")
                replies[name] = reply
    return replies


def _read_reply(line: str, place: str) -> tuple[str, StoredReply]:
    try:
        row = json.loads(line)
        reply = row["reply"]
        stored_completion(reply)
        if "messages" in row:
            return conversation_key([message_from_json(turn) for turn in row["messages"]]), reply
        return row["key"] if "key" in row else row["prompt"], reply
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{place}: not a stored reply ({type(error).__name__}: {error}); "
            'write {"prompt": "…", "reply": "…"}'
        ) from error


def message_from_json(turn: Mapping[str, Any]) -> Message:
    """A message out of OpenAI's JSON, text only or in parts of text."""
    content = turn["content"]
    if not isinstance(content, str):
        content = tuple(TextPart(part["text"]) for part in content)
    return Message(turn["role"], content)
