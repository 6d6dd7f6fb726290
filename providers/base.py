"""The words every provider speaks: messages in, completions or named failures out."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import TracebackType
from typing import Any, Literal, Protocol, Self, TypeAlias
from urllib.parse import urlsplit, urlunsplit

from providers.limits import LimitStore
from providers.timing import Timing

Role: TypeAlias = Literal["system", "developer", "user", "assistant"]
ROLES: tuple[Role, ...] = ("system", "developer", "user", "assistant")
DETAIL_MAX_CHARACTERS = 500


@dataclass(frozen=True, slots=True)
class TextPart:
    """A piece of text inside a message."""

    text: str


@dataclass(frozen=True, slots=True)
class ImagePart:
    """An image inside a message: a ``data:image/…`` or ``https://`` URL, passed on unread."""

    url: str

    def __post_init__(self) -> None:
        if not self.url.lower().startswith(("data:image/", "https://", "http://")):
            raise ValueError(
                f"image URL {self.url[:60]!r} cannot be sent to a model; "
                "give a data:image/… or https:// URL"
            )


ContentPart: TypeAlias = TextPart | ImagePart


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Role
    content: str | tuple[ContentPart, ...]

    def __post_init__(self) -> None:
        if self.role not in ROLES:
            raise ValueError(f"message role {self.role!r} is unknown; use {', '.join(ROLES)}")

    @property
    def text(self) -> str:
        """The text of all parts, images left out."""
        if isinstance(self.content, str):
            return self.content
        return "\n".join(part.text for part in self.content if isinstance(part, TextPart))

    @property
    def images(self) -> tuple[ImagePart, ...]:
        """The image parts in order."""
        if isinstance(self.content, str):
            return ()
        return tuple(part for part in self.content if isinstance(part, ImagePart))


@dataclass(frozen=True, slots=True)
class GenerationSettings:
    """How to generate; ``None`` leaves a setting to the endpoint's own default.

    ``extra`` holds request fields without a name here (``reasoning_effort``, ``top_k``…); they are
    sent as they stand and win over the named ones.
    """

    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    logprobs: bool = False
    top_logprobs: int | None = None
    response_format: Mapping[str, Any] | None = None  # any JSON object the endpoint understands
    extra: Mapping[str, Any] = field(default_factory=dict)  # any JSON the endpoint understands


@dataclass(frozen=True, slots=True)
class TokenLogprob:
    """A candidate token and its natural-log probability."""

    token: str
    logprob: float


@dataclass(frozen=True, slots=True)
class ScoredToken:
    """A token of a text with its natural-log probability, ``None`` where nothing stands before it.

    ``is_likeliest``: no other token was likelier at its place.
    """

    token: str
    logprob: float | None
    is_likeliest: bool = True


@dataclass(frozen=True, slots=True)
class Completion:
    """A finished reply.

    ``latency_s`` and ``ttft_s`` (first non-empty text or reasoning; ``None`` when not streamed)
    are those of the successful attempt, without the waiting for limits. Token counts are ``None``
    when the endpoint did not say; ``is_usage_reported`` tells whether input and output tokens are
    the endpoint's. ``top_logprobs[i]`` are the candidates at output position i, likeliest first.
    ``scored_tokens`` are the text's own tokens, which a completions endpoint tells with
    ``logprobs``; with ``echo`` they begin with the prompt's.
    """

    text: str
    reasoning: str = ""
    finish_reason: str = ""
    input_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None
    cached_tokens: int | None = None
    latency_s: float = 0.0
    ttft_s: float | None = None
    attempts: int = 1
    model: str = ""
    top_logprobs: tuple[tuple[TokenLogprob, ...], ...] = ()
    scored_tokens: tuple[ScoredToken, ...] = ()
    is_usage_reported: bool = False


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of a streamed reply."""

    text: str = ""
    reasoning: str = ""


class CompletionStream(AsyncIterator[Delta]):
    """Deltas as they arrive, then the whole ``completion``.

    ::

        async with provider.stream(messages) as stream:
            async for delta in stream:
                ...
            stream.completion

    Leaving the block early cancels the call. A failure raises ProviderError from the loop.
    """

    def __init__(self, parts: AsyncGenerator[Delta | Completion, None]) -> None:
        self._parts = parts
        self._completion: Completion | None = None

    @property
    def completion(self) -> Completion:
        """The finished reply; raises RuntimeError while deltas are still to come."""
        if self._completion is None:
            raise RuntimeError("the stream is not finished; iterate over all deltas first")
        return self._completion

    async def __anext__(self) -> Delta:
        part = await anext(self._parts)
        if isinstance(part, Completion):
            self._completion = part
            await self._parts.aclose()
            raise StopAsyncIteration
        return part

    async def aclose(self) -> None:
        """Stop the call and free its connection and its place in the limits."""
        await self._parts.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()


class FailureKind(StrEnum):
    """Why a call failed: the stable word stored on rows."""

    RATE_LIMITED = "rate_limited"
    QUOTA_EXHAUSTED = "quota_exhausted"
    SERVER_ERROR = "server_error"
    TIMED_OUT = "timed_out"
    STREAM_CUT = "stream_cut"
    MALFORMED_REPLY = "malformed_reply"
    EMPTY_REPLY = "empty_reply"
    CONNECTION_FAILED = "connection_failed"
    CIRCUIT_OPEN = "circuit_open"
    BATCH_PENDING = "batch_pending"
    AUTHENTICATION_FAILED = "authentication_failed"
    NOT_FOUND = "not_found"
    BAD_REQUEST = "bad_request"
    CONTENT_FILTERED = "content_filtered"
    CONTEXT_TOO_LONG = "context_too_long"


RETRYABLE_KINDS = frozenset(
    {
        FailureKind.RATE_LIMITED,
        FailureKind.SERVER_ERROR,
        FailureKind.TIMED_OUT,
        FailureKind.STREAM_CUT,
        FailureKind.MALFORMED_REPLY,
        FailureKind.EMPTY_REPLY,
        FailureKind.CONNECTION_FAILED,
        FailureKind.CIRCUIT_OPEN,
        FailureKind.BATCH_PENDING,
    }
)


class ProviderError(Exception):
    """A call that gave no usable completion, after the retries that its kind allows.

    ``detail`` is bounded and free of keys, fit to be stored and shown. ``status`` is the HTTP
    status if there was one. ``partial`` is what had arrived, with its token counts, so that money
    spent on a failure can be counted. ``attempts`` is the number of requests sent.
    """

    def __init__(
        self,
        kind: FailureKind,
        detail: str,
        *,
        retry_after_s: float | None = None,
        status: int | None = None,
        is_retryable: bool | None = None,
        partial: Completion | None = None,
    ) -> None:
        self.kind = kind
        self.detail = detail[:DETAIL_MAX_CHARACTERS]
        self.retry_after_s = retry_after_s
        self.status = status
        self.is_retryable = kind in RETRYABLE_KINDS if is_retryable is None else is_retryable
        self.partial = partial
        self.attempts = 1
        super().__init__(f"{kind.value}: {self.detail}")


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    if "@" not in parts.netloc:
        return url
    return urlunsplit(parts._replace(netloc="…@" + parts.netloc.rpartition("@")[2]))


@dataclass(frozen=True, slots=True, repr=False)
class EndpointConfig:
    """Where a model is reached, with which key, and how hard it may be driven.

    ``timeout_s`` bounds one attempt as a whole, ``idle_timeout_s`` the silence between two pieces
    of a stream. ``None`` limits are no limits. ``is_streaming`` makes ``complete`` stream too, for
    a TTFT and for proxies that cut silent connections. ``api_version`` selects Azure's protocol.
    ``settings`` are options of the provider kind itself (docs/providers.md lists them).
    Neither ``repr`` nor ``str`` shows the key, header values or a password inside the URL.
    """

    provider: str = "openai_compatible"
    base_url: str = ""
    api_key: str = ""
    model: str = ""
    timeout_s: float = 600.0
    connect_timeout_s: float = 10.0
    idle_timeout_s: float = 120.0
    max_concurrency: int = 32
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    max_attempts: int = 5
    is_streaming: bool = False
    api: Literal["chat", "completions"] = "chat"
    api_version: str = ""
    extra_headers: Mapping[str, str] = field(default_factory=dict)
    extra_body: Mapping[str, Any] = field(default_factory=dict)  # any JSON the endpoint takes
    settings: Mapping[str, Any] = field(default_factory=dict)  # each provider kind has its own

    def __post_init__(self) -> None:
        if self.api not in ("chat", "completions"):
            raise ValueError(f"api {self.api!r} is unknown; use 'chat' or 'completions'")
        at_least_one = {"max_concurrency": self.max_concurrency, "max_attempts": self.max_attempts}
        for name, count in at_least_one.items():
            if count < 1:
                raise ValueError(f"{name} is {count}; it must be at least 1")
        above_zero = {
            "timeout_s": self.timeout_s,
            "connect_timeout_s": self.connect_timeout_s,
            "idle_timeout_s": self.idle_timeout_s,
            "requests_per_minute": self.requests_per_minute,
            "tokens_per_minute": self.tokens_per_minute,
        }
        for name, value in above_zero.items():
            if value is not None and value <= 0:
                raise ValueError(f"{name} is {value}; it must be above 0, or left out")

    def __repr__(self) -> str:
        return (
            f"EndpointConfig(provider={self.provider!r}, "
            f"base_url={_without_password(self.base_url)!r}, model={self.model!r}, "
            f"api={self.api!r}, max_concurrency={self.max_concurrency})"
        )


@dataclass(frozen=True, slots=True)
class ProviderContext:
    """What a provider shares with the others: where limits are counted, and the clock."""

    limit_store: LimitStore
    timing: Timing = field(default_factory=Timing)


class Provider(Protocol):
    """A model that can be called; one instance serves any number of concurrent calls."""

    @property
    def config(self) -> EndpointConfig:
        """What this provider was made from."""
        ...

    async def complete(
        self, messages: Sequence[Message], settings: GenerationSettings | None = None
    ) -> Completion:
        """The whole reply; raises ProviderError once retrying is pointless or used up."""
        ...

    def stream(
        self, messages: Sequence[Message], settings: GenerationSettings | None = None
    ) -> CompletionStream:
        """The reply as it arrives; retried only until the first delta has been handed out."""
        ...

    async def aclose(self) -> None:
        """Free connections; the provider cannot be used afterwards."""
        ...


class ProviderFactory(Protocol):
    """Makes the provider of one kind; called once per endpoint."""

    def __call__(self, config: EndpointConfig, context: ProviderContext) -> Provider: ...
