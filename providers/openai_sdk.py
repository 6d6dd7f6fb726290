"""What the openai package is kept for: listing models, and the calls of the Batch API.

Importing it takes about a second, so it is imported where it is used.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from providers.base import EndpointConfig, FailureKind, ProviderError
from providers.openai_failures import Redactor, failure_from_object
from providers.openai_urls import OPENAI_BASE_URL, is_azure, sdk_base_url

if TYPE_CHECKING:
    from openai import APIStatusError, AsyncOpenAI

NO_KEY = "none"  # the package insists on a key; local servers ask for none


@asynccontextmanager
async def sdk_client(config: EndpointConfig) -> AsyncIterator["AsyncOpenAI"]:
    """OpenAI's own client for an endpoint; its failures leave the block as ProviderError."""
    from openai import APIConnectionError, APIStatusError, APITimeoutError

    try:
        async with _client(config) as client:
            yield client
    except APIStatusError as error:
        raise _refusal(error, Redactor(config)) from error
    except APITimeoutError as error:
        raise ProviderError(
            FailureKind.TIMED_OUT, f"no answer within {config.timeout_s:g} s"
        ) from error
    except APIConnectionError as error:
        place = urlsplit(config.base_url or OPENAI_BASE_URL).hostname
        raise ProviderError(FailureKind.CONNECTION_FAILED, f"no connection to {place}") from error


async def list_models(config: EndpointConfig) -> list[str]:
    """Names of the models that the endpoint offers to this key, in alphabetical order."""
    async with sdk_client(config) as client:
        return sorted([model.id async for model in client.models.list()])


def _client(config: EndpointConfig) -> "AsyncOpenAI":
    from openai import AsyncAzureOpenAI, AsyncOpenAI

    if config.api_version:
        place = urlsplit(config.base_url)
        return AsyncAzureOpenAI(
            azure_endpoint=f"{place.scheme}://{place.netloc}",
            api_version=config.api_version,
            api_key=config.api_key or NO_KEY,
            timeout=config.timeout_s,
            max_retries=config.max_attempts - 1,
            default_headers=dict(config.extra_headers),
        )
    headers = dict(config.extra_headers)
    if is_azure(config.base_url):
        headers["api-key"] = config.api_key
    return AsyncOpenAI(
        base_url=sdk_base_url(config.base_url),
        api_key=config.api_key or NO_KEY,
        timeout=config.timeout_s,
        max_retries=config.max_attempts - 1,
        default_headers=headers,
    )


def _refusal(error: "APIStatusError", redact: Redactor) -> ProviderError:
    body = error.body if isinstance(error.body, dict) else {"message": str(error.body or error)}
    failure = failure_from_object({"code": error.status_code, **_said(body)}, redact)
    failure.status = error.status_code
    return failure


def _said(body: dict[object, object]) -> dict[str, object]:
    """The words of an error body; its own code gives way to the HTTP status."""
    said = {str(name): value for name, value in body.items() if name != "code" and value}
    return said | {"type": f"{body.get('type') or ''} {body.get('code') or ''}".strip()}
