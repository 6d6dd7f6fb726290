"""What the mock endpoint should do: timing, shape of the stream, caching, faults."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from typing import Any  # JSON of unknown shape

import orjson

FAULTS = ("429", "500", "timeout", "cut", "reset")
WORDS = (
    *("amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "haven", "inlet", "jetty"),
    *("knoll", "lagoon", "meadow", "north", "oasis", "prairie", "quarry", "ridge", "summit"),
    *("tundra", "upland", "valley", "willow", "yonder"),
)
CHARACTERS_PER_TOKEN = 4
CACHE_BLOCK_TOKENS = 16  # block size of common paged caches


class BehaviourError(ValueError):
    """A setting of the mock that cannot be honoured."""


@dataclass(frozen=True, slots=True)
class MockBehaviour:
    """Settings of the mock; times in seconds.

    With ``batch_synchronous`` all streams emit at common ticks, as continuous batching makes
    them do, and a first token waits for the next tick. ``capacity`` bounds how many requests are
    served at once; the others queue. ``faults`` maps a fault name to its probability.
    """

    ttft_s: float = 0.2
    itl_s: float = 0.02
    itl_per_stream_s: float = 0.0
    prefill_s_per_token: float = 0.0
    output_tokens: int = 0
    tokens_per_chunk: int = 1
    role_first: bool = True
    role_lead_s: float = 0.0
    reasoning_tokens: int = 0
    reasoning_field: str = "reasoning_content"
    usage: bool = True
    prefix_cache: bool = False
    batch_synchronous: bool = True
    buffering: bool = False
    capacity: int = 0
    refuse_after: int = 0
    seed: int = 0
    faults: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for fault, share in self.faults.items():
            if fault not in FAULTS:
                raise BehaviourError(f"unknown fault {fault!r}; choose from {', '.join(FAULTS)}")
            if not 0 <= share <= 1:
                raise BehaviourError(f"the share of fault {fault} is {share}, outside 0 to 1")
        if sum(self.faults.values()) > 1:
            raise BehaviourError("the shares of the faults add up to more than 1")
        if self.tokens_per_chunk < 1:
            raise BehaviourError(f"tokens_per_chunk is {self.tokens_per_chunk}; give at least 1")

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> "MockBehaviour":
        """Settings from JSON; raises BehaviourError that names what is not a setting."""
        known = {item.name for item in fields(cls)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise BehaviourError(
                f"the mock has no setting {', '.join(unknown)}; it has {', '.join(sorted(known))}"
            )
        return cls(**values)

    def fault_of(self, ordinal: int) -> str | None:
        """The fault that strikes request number ``ordinal``; the same for the same seed."""
        if not self.faults:
            return None
        draw = random.Random(f"{self.seed}:{ordinal}").random()
        for fault, share in self.faults.items():
            if draw < share:
                return fault
            draw -= share
        return None


@dataclass(frozen=True, slots=True)
class Frame:
    """One write to the client: its bytes and how many output tokens they carry."""

    payload: bytes
    tokens: int
    is_role_only: bool = False


@dataclass(frozen=True, slots=True)
class Usage:
    """Token counts the mock reports and keeps as truth."""

    prompt_tokens: int
    completion_tokens: int
    reasoning_tokens: int
    cached_tokens: int

    def as_json(self) -> dict[str, object]:
        """The ``usage`` object of the OpenAI protocol."""
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "total_tokens": self.prompt_tokens + self.completion_tokens,
            "prompt_tokens_details": {"cached_tokens": self.cached_tokens},
            "completion_tokens_details": {"reasoning_tokens": self.reasoning_tokens},
        }


def http_chunk(payload: bytes) -> bytes:
    """``payload`` framed for Transfer-Encoding: chunked."""
    return b"%x\r\n%b\r\n" % (len(payload), payload)


@cache
def _event(is_chat: bool, first_word: int, words: int, kind: str, is_last: bool) -> bytes:
    text = "".join(" " + WORDS[(first_word + i) % len(WORDS)] for i in range(words))
    finish = "length" if is_last else None
    if is_chat:
        delta = {"role": "assistant", "content": ""} if kind == "role" else {kind: text}
        choice: dict[str, object] = {"index": 0, "delta": delta, "finish_reason": finish}
    else:
        choice = {"index": 0, "text": text, "finish_reason": finish}
    return b"data: " + orjson.dumps(_envelope(is_chat, True, [choice])) + b"\n\n"


def _envelope(is_chat: bool, is_stream: bool, choices: list[dict[str, object]]) -> dict[str, Any]:
    kind = ("chat.completion" if is_chat else "text_completion") + (".chunk" if is_stream else "")
    return {
        "id": "mock-0000000000000000",
        "object": kind if is_chat else "text_completion",
        "created": 1_700_000_000,
        "model": "mock",
        "choices": choices,
    }


def stream_frames(behaviour: MockBehaviour, usage: Usage, is_chat: bool, tail: bool) -> list[Frame]:
    """Everything a streamed answer consists of, one Frame per write, ready to send.

    ``tail`` asks for the usage event (the client's ``stream_options.include_usage``).
    """
    frames = list(
        _text_frames(
            is_chat,
            usage.completion_tokens,
            usage.reasoning_tokens if is_chat else 0,
            behaviour.tokens_per_chunk,
            behaviour.reasoning_field,
        )
    )
    if is_chat and behaviour.role_first:
        role = http_chunk(_event(True, 0, 0, "role", False))
        if behaviour.role_lead_s > 0 or not frames:
            frames.insert(0, Frame(role, 0, is_role_only=True))
        else:
            frames[0] = Frame(role + frames[0].payload, frames[0].tokens)
    ending = _ending(usage, is_chat, tail and behaviour.usage)
    if not frames:
        return [Frame(ending, 0)]
    frames[-1] = Frame(frames[-1].payload + ending, frames[-1].tokens, frames[-1].is_role_only)
    return frames


@cache
def _text_frames(
    is_chat: bool, total: int, reasoning: int, per_chunk: int, reasoning_field: str
) -> tuple[Frame, ...]:
    """The frames that carry text; kept, since rendering them anew would delay other streams."""
    frames: list[Frame] = []
    sent = 0
    while sent < total:
        border = reasoning if sent < reasoning else total
        step = min(per_chunk, border - sent)
        kind = reasoning_field if sent < reasoning else "content"
        event = _event(is_chat, sent % len(WORDS), step, kind, sent + step == total)
        frames.append(Frame(http_chunk(event), step))
        sent += step
    return tuple(frames)


def _ending(usage: Usage, is_chat: bool, with_usage: bool) -> bytes:
    parts: list[bytes] = []
    if with_usage:
        envelope = _envelope(is_chat, True, []) | {"usage": usage.as_json()}
        parts.append(http_chunk(b"data: " + orjson.dumps(envelope) + b"\n\n"))
    parts.append(http_chunk(b"data: [DONE]\n\n"))
    parts.append(b"0\r\n\r\n")
    return b"".join(parts)


def whole_answer(usage: Usage, is_chat: bool) -> bytes:
    """The JSON body of an answer that is not streamed."""
    text = "".join(" " + WORDS[i % len(WORDS)] for i in range(usage.completion_tokens))
    choice: dict[str, object] = {"index": 0, "finish_reason": "length"}
    choice |= {"message": {"role": "assistant", "content": text}} if is_chat else {"text": text}
    return orjson.dumps(_envelope(is_chat, False, [choice]) | {"usage": usage.as_json()})


class PrefixCache:
    """Remembers prompt prefixes block by block and says how many tokens it had seen before."""

    def __init__(self) -> None:
        self._seen: set[int] = set()

    def admit(self, prompt: str) -> int:
        """Tokens of ``prompt`` whose blocks were cached; all its blocks are cached afterwards."""
        width = CACHE_BLOCK_TOKENS * CHARACTERS_PER_TOKEN
        cached, chain, is_prefix = 0, 0, True
        for start in range(0, len(prompt) - width + 1, width):
            chain = hash((chain, prompt[start : start + width]))
            is_prefix = is_prefix and chain in self._seen
            cached += CACHE_BLOCK_TOKENS if is_prefix else 0
            self._seen.add(chain)
        return cached
