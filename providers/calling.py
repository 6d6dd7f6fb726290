"""One call, whatever the kind of provider: gate, circuit breaker, attempts, time and tokens."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from hashlib import sha256
from typing import TypeAlias

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
)
from providers.circuit import CircuitBreaker
from providers.gate import EndpointGate, Pass
from providers.retrying import RetryPolicy

Parts: TypeAlias = AsyncGenerator[Delta | Completion, None]

TOKENS_PER_IMAGE = 765  # OpenAI's price of a 1024 x 1024 picture in high detail
EXPECTED_OUTPUT_TOKENS = 512  # booked when a call sets no maximum; corrected by the usage reported


def limit_key(config: EndpointConfig) -> str:
    """Names the endpoint whose limits a call counts against, without revealing its key.

    Vendors limit per account and model; ``settings["limit_key"]`` makes several models share.
    """
    shared = config.settings.get("limit_key")
    if shared:
        return f"shared:{shared}"
    identity = "\0".join((config.provider, config.base_url, config.api_key, config.model))
    return sha256(identity.encode()).hexdigest()[:24]


def estimate_text_tokens(text: str) -> int:
    """About four ASCII characters to a token, about one of any other script (CJK above all)."""
    ascii_characters = len(text.encode("ascii", "ignore"))
    return ascii_characters // 4 + len(text) - ascii_characters + 1


def estimate_tokens(messages: Sequence[Message], settings: GenerationSettings) -> int:
    """Tokens to book for a call before its true cost is known."""
    prompt = sum(
        estimate_text_tokens(message.text) + TOKENS_PER_IMAGE * len(message.images)
        for message in messages
    )
    return prompt + (settings.max_tokens or EXPECTED_OUTPUT_TOKENS)


def used_tokens(completion: Completion) -> int | None:
    """Input and output tokens together, if the endpoint said them."""
    if completion.input_tokens is None or completion.output_tokens is None:
        return None
    return completion.input_tokens + completion.output_tokens


class CallingProvider:
    """What kinds of provider share: one endpoint and model, and a Caller for its calls."""

    def __init__(self, config: EndpointConfig, context: ProviderContext) -> None:
        self._config = config
        self._timing = context.timing
        self._caller = Caller(config, context)

    @property
    def config(self) -> EndpointConfig:
        """What this provider was made from."""
        return self._config

    async def aclose(self) -> None:
        """Give the endpoint's slots back."""
        await self._caller.aclose()


class Caller:
    """Drives the attempts of every call to one endpoint."""

    def __init__(self, config: EndpointConfig, context: ProviderContext) -> None:
        options = config.settings
        self._timing = context.timing
        self._policy = RetryPolicy(
            max_attempts=config.max_attempts,
            longest_wait_s=float(options.get("longest_wait_s", 60.0)),
        )
        self._is_counting_tokens = config.tokens_per_minute is not None
        self.breaker = CircuitBreaker(
            threshold=int(options.get("circuit_threshold", 10)),
            first_cooldown_s=float(options.get("circuit_cooldown_s", 1.0)),
        )
        self.gate = EndpointGate(
            limit_key(config),
            store=context.limit_store,
            timing=context.timing,
            max_concurrency=config.max_concurrency,
            requests_per_minute=config.requests_per_minute,
            tokens_per_minute=config.tokens_per_minute,
            longest_pause_s=self._policy.longest_wait_s,
        )

    async def complete(
        self,
        attempt: Callable[[], Awaitable[Completion]],
        messages: Sequence[Message],
        settings: GenerationSettings,
    ) -> Completion:
        """The completion of the first attempt that succeeds; else the last ProviderError."""
        tokens = self._tokens_to_book(messages, settings)
        number = 1
        while True:
            try:
                async with self._sending(tokens) as granted:
                    completion = await attempt()
                    granted.used_tokens = used_tokens(completion)
                return completion if number == 1 else replace(completion, attempts=number)
            except ProviderError as error:
                await self._wait_or_raise(error, number)
            number += 1

    def stream(
        self,
        attempt: Callable[[], Parts],
        messages: Sequence[Message],
        settings: GenerationSettings,
    ) -> CompletionStream:
        """The parts of the first attempt that gets as far as a delta."""
        return CompletionStream(self._parts(attempt, self._tokens_to_book(messages, settings)))

    async def _parts(self, attempt: Callable[[], Parts], tokens: int) -> Parts:
        number = 1
        while True:
            has_started = False
            try:
                async with self._sending(tokens) as granted, aclosing(attempt()) as parts:
                    async for part in parts:
                        has_started = True
                        if isinstance(part, Completion):
                            granted.used_tokens = used_tokens(part)
                            yield replace(part, attempts=number)
                        else:
                            yield part
                return
            except ProviderError as error:
                if has_started:
                    # what was shown cannot be taken back, so the caller decides about a new call
                    error.attempts = number
                    raise
                await self._wait_or_raise(error, number)
            number += 1

    @asynccontextmanager
    async def _sending(self, tokens: int) -> AsyncIterator[Pass]:
        self.breaker.check(self._timing.now())
        async with self.gate.entered(tokens) as granted:
            self._admit(granted)
            try:
                yield granted
            except ProviderError as error:
                if error.partial is not None:
                    granted.used_tokens = used_tokens(error.partial)
                self.breaker.failed(error, began_at=granted.began_at, now=self._timing.now())
                await self.gate.failed(error, granted.began_at)
                raise
            self.breaker.succeeded()
            self.gate.succeeded()

    def _admit(self, granted: Pass) -> None:
        """The circuit may have opened while the call was waiting for its turn."""
        try:
            self.breaker.admit(self._timing.now())
        except ProviderError:
            granted.used_tokens = 0
            raise

    async def _wait_or_raise(self, error: ProviderError, number: int) -> None:
        was_sent = error.kind is not FailureKind.CIRCUIT_OPEN
        error.attempts = number if was_sent else number - 1
        delay_s = self._policy.delay_before_next(error, number, self._timing.random())
        if delay_s is None:
            raise error
        await self._timing.sleep(delay_s)

    def _tokens_to_book(self, messages: Sequence[Message], settings: GenerationSettings) -> int:
        return estimate_tokens(messages, settings) if self._is_counting_tokens else 0

    async def aclose(self) -> None:
        """Give the endpoint's slots back."""
        await self.gate.aclose()
