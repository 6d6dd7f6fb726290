"""From stored rows to provider calls: endpoints, messages, settings."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings

from arena.models import Endpoint, LanguageModel, Question
from arena.models.fields import UndecipherableSecretError
from arena.models.question import ContentPart
from providers import PROVIDERS
from providers.base import (
    EndpointConfig,
    GenerationSettings,
    ImagePart,
    Message,
    Provider,
    ProviderContext,
    TextPart,
)
from providers.limits import LimitStore
from providers.limits_sqlite import SqliteLimitStore


class NotCallableError(ValueError):
    """The model cannot be called: no endpoint, or no key where its endpoint names one."""


_NAMED_SETTINGS = {
    "temperature",
    "top_p",
    "max_tokens",
    "seed",
    "logprobs",
    "top_logprobs",
    "response_format",
}


def generation_settings(values: Mapping[str, Any]) -> GenerationSettings:  # JSON from a row
    """Settings from their stored form; names without a field of their own are sent as they are."""
    named = {name: values[name] for name in _NAMED_SETTINGS & values.keys()}
    extra = {k: v for k, v in values.items() if k not in _NAMED_SETTINGS and k != "stop"}
    return GenerationSettings(**named, stop=tuple(values.get("stop") or ()), extra=extra)


def api_key_of(endpoint: Endpoint) -> str:
    """The endpoint's key, from the environment first; raises NotCallableError if it has none."""
    if endpoint.api_key_env and (key := os.environ.get(endpoint.api_key_env)):
        return key
    try:
        stored = endpoint.api_key
    except UndecipherableSecretError as error:
        raise NotCallableError(f"endpoint {endpoint.slug!r}: {error}") from error
    if endpoint.api_key_env and not stored:
        raise NotCallableError(
            f"endpoint {endpoint.slug!r} takes its key from the environment variable "
            f"{endpoint.api_key_env}, which is not set; set it for the web and worker processes"
        )
    return stored or ""


def endpoint_config(model: LanguageModel) -> EndpointConfig:
    """How to reach ``model``; raises NotCallableError that says what is missing."""
    endpoint = model.endpoint
    if endpoint is None:
        raise NotCallableError(
            f"model {model.slug!r} has no endpoint; give it one in the console, under Models "
            "and endpoints, or import its answers"
        )
    options = {**endpoint.settings}
    return EndpointConfig(
        provider=endpoint.provider,
        base_url=endpoint.base_url,
        api_key=api_key_of(endpoint),
        model=model.provider_model or model.slug,
        timeout_s=endpoint.timeout_s,
        max_concurrency=endpoint.max_concurrency,
        requests_per_minute=endpoint.requests_per_minute,
        tokens_per_minute=endpoint.tokens_per_minute,
        max_attempts=endpoint.max_attempts,
        is_streaming=bool(options.pop("is_streaming", True)),
        api=options.pop("api", "chat"),
        api_version=options.pop("api_version", ""),
        extra_headers=options.pop("extra_headers", {}),
        extra_body=model.provider_settings.get("extra_body", {}),
        settings=options | {k: v for k, v in model.provider_settings.items() if k != "extra_body"},
    )


@cache
def _store_of_host(path: Path) -> SqliteLimitStore:
    return SqliteLimitStore(path)


def limit_store() -> LimitStore:
    """Where calls are counted for all workers together: in Redis, else in a file of this host.

    A Redis client belongs to one event loop, so each caller gets its own.
    """
    if settings.REDIS_URL:
        from providers.limits_redis import RedisLimitStore

        return RedisLimitStore(settings.REDIS_URL)
    return _store_of_host(Path(settings.AGON_HOME) / "limits.sqlite3")


def open_provider(model: LanguageModel, store: LimitStore | None = None) -> Provider:
    """A provider for ``model``; the caller closes it."""
    config = endpoint_config(model)
    return PROVIDERS.get(config.provider)(config, ProviderContext(store or limit_store()))


@dataclass(slots=True)
class OpenModels:
    """Providers opened when first needed, counting in one limit store, and closed with it.

    A Redis client that is left open keeps uvloop from closing its loop: the thread would hang.
    """

    store: LimitStore = field(default_factory=limit_store)
    providers: dict[int, Provider] = field(default_factory=dict)

    def provider_of(self, model: LanguageModel) -> Provider:
        """Raises NotCallableError for a model without a usable endpoint."""
        if model.pk not in self.providers:
            self.providers[model.pk] = open_provider(model, self.store)
        return self.providers[model.pk]

    async def aclose(self) -> None:
        """Close every provider, then the store."""
        for provider in self.providers.values():
            await provider.aclose()
        close: Callable[[], Awaitable[None]] | None = getattr(self.store, "aclose", None)
        if close is not None:
            await close()


def message_content(parts: Sequence[ContentPart]) -> str | tuple[TextPart | ImagePart, ...]:
    """A stored turn as a message's content; plain text stays a plain string."""
    if all(part.get("type") == "text" for part in parts):
        return "\n".join(part["text"] for part in parts)
    return tuple(
        TextPart(part["text"]) if part.get("type") == "text" else ImagePart(part["url"])
        for part in parts
    )


def conversation(
    question: Question, replies: Sequence[str], *, system_prompt: str = ""
) -> list[Message]:
    """User turns and the replies so far, ending with the next user turn."""
    messages = [Message("system", system_prompt)] if system_prompt else []
    for turn, reply in zip(question.turns, replies, strict=False):
        messages += [Message("user", message_content(turn)), Message("assistant", reply)]
    messages.append(Message("user", message_content(question.turns[len(replies)])))
    return messages
