"""What is asked of an engine, and what comes back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

DEFAULT_MAX_TOKENS = 256  # lm-eval's default for tasks that name no limit


@dataclass(frozen=True, slots=True)
class LikelihoodRequest:
    """How probable is ``continuation`` after ``context``?"""

    context: str
    continuation: str


@dataclass(frozen=True, slots=True)
class Likelihood:
    """The answer to a LikelihoodRequest.

    ``logprob`` is the natural-log probability of all continuation tokens together;
    ``token_logprobs`` holds one entry per token, in order. ``is_greedy`` says that greedy decoding
    would have produced the continuation. ``is_boundary_merge`` marks a pair whose joint encoding
    does not start with the context's own, ``is_truncated`` one that lost tokens on the left.
    ``error`` is a sentence when the request could not be scored; then ``logprob`` is NaN.
    """

    logprob: float
    is_greedy: bool
    token_logprobs: tuple[float, ...] = ()
    is_boundary_merge: bool = False
    is_truncated: bool = False
    error: str = ""


@dataclass(frozen=True, slots=True)
class RollingRequest:
    """How probable is ``text`` as a whole?"""

    text: str


@dataclass(frozen=True, slots=True)
class RollingLikelihood:
    """The log-probability of a whole text, and of each of the tokens it was cut into."""

    logprob: float
    tokens: int
    token_logprobs: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Decoding:
    """How to generate. ``temperature`` 0 is greedy.

    ``think_end`` is the marker after which the answer starts; the text up to its last occurrence
    is kept apart as reasoning, and stop strings act only after it.
    """

    max_tokens: int = DEFAULT_MAX_TOKENS
    stop: tuple[str, ...] = ()
    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0
    seed: int | None = None
    think_end: str = ""

    def __post_init__(self) -> None:
        if self.max_tokens < 1:
            raise ValueError(f"max_tokens is {self.max_tokens}; it must be at least 1")
        if self.temperature < 0:
            raise ValueError(f"temperature is {self.temperature}; it must not be negative")
        if not 0 < self.top_p <= 1:
            raise ValueError(f"top_p is {self.top_p}; it must be above 0 and at most 1")


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """Continue ``prompt``. ``sample_index`` makes repeated samples of one prompt differ."""

    prompt: str
    decoding: Decoding = field(default_factory=Decoding)
    sample_index: int = 0


@dataclass(frozen=True, slots=True)
class Generation:
    """A generated text: cut at the first stop string, without its reasoning.

    ``finish_reason`` is ``length`` when the token limit ended it. ``is_truncated`` says that the
    prompt lost tokens on the left to fit.
    """

    text: str
    reasoning: str = ""
    finish_reason: Literal["stop", "length"] = "stop"
    input_tokens: int = 0
    output_tokens: int = 0
    is_truncated: bool = False
