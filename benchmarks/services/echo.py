"""Likelihoods from a completions endpoint that repeats the prompt with its log-probabilities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import aiohttp

from benchmarks.suites_base import RequestKind, Response, SampleRequest
from providers.base import EndpointConfig, FailureKind, ProviderError

NO_ECHO = (
    "the endpoint did not return log-probabilities of the prompt; it must support 'echo' with "
    "'logprobs' on /completions, otherwise use the protocol 'generation' or 'letters'"
)


async def echoed_likelihood(config: EndpointConfig, request: SampleRequest) -> Response:
    """Log-probability of the continuation (or of a whole text), read from the echoed prompt.

    The endpoint tokenises the joined text, so a token that crosses the boundary counts as part of
    the continuation; a text's first token has no log-probability and is left out.
    """
    body = {
        "model": config.model,
        "prompt": request.context + request.continuation,
        "max_tokens": 1,
        "temperature": 0,
        "echo": True,
        "logprobs": 1,
        **config.extra_body,
    }
    payload = await _post(config, body)
    boundary = len(request.context) if request.kind is RequestKind.LIKELIHOOD else 0
    is_rolling = request.kind is not RequestKind.LIKELIHOOD
    found = likelihood_from(payload, boundary, len(str(body["prompt"])), is_rolling=is_rolling)
    return found if request.kind is RequestKind.TOKENS else replace(found, token_logprobs=())


async def _post(config: EndpointConfig, body: Mapping[str, Any]) -> Mapping[str, Any]:
    url = f"{config.base_url.rstrip('/')}/completions"
    headers = {**config.extra_headers}
    if config.api_key:
        headers["Authorization"] = f"Bearer {config.api_key}"
    timeout = aiohttp.ClientTimeout(total=config.timeout_s)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.post(url, json=body, headers=headers) as reply,
        ):
            if reply.status >= 400:
                raise _failure(reply.status, await reply.text())
            payload: Mapping[str, Any] = await reply.json()
            return payload
    except TimeoutError as error:
        raise ProviderError(FailureKind.TIMED_OUT, f"no reply in {config.timeout_s:g} s") from error
    except aiohttp.ClientError as error:
        raise ProviderError(FailureKind.CONNECTION_FAILED, str(error)) from error


def _failure(status: int, text: str) -> ProviderError:
    kinds = {401: FailureKind.AUTHENTICATION_FAILED, 404: FailureKind.NOT_FOUND,
             429: FailureKind.RATE_LIMITED}  # fmt: skip
    default = FailureKind.SERVER_ERROR if status >= 500 else FailureKind.BAD_REQUEST
    return ProviderError(kinds.get(status, default), f"HTTP {status}: {text[:300]}", status=status)


def likelihood_from(
    payload: Mapping[str, Any], boundary: int, end: int, *, is_rolling: bool = False
) -> Response:
    """Sum over the tokens of the prompt that reach beyond character ``boundary``."""
    try:
        found = payload["choices"][0]["logprobs"]
        tokens, logprobs = found["tokens"], found["token_logprobs"]
        offsets: Sequence[int] = found["text_offset"]
    except (KeyError, IndexError, TypeError) as error:
        raise ProviderError(FailureKind.BAD_REQUEST, NO_ECHO) from error
    best = found.get("top_logprobs") or []
    read, is_greedy = [], True
    for place, (token, logprob, offset) in enumerate(zip(tokens, logprobs, offsets, strict=True)):
        if offset >= end or offset + len(token) <= boundary or logprob is None:
            continue
        read.append(float(logprob))
        candidates = best[place] if place < len(best) else None
        if candidates and max(candidates.values()) > logprob:
            is_greedy = False
    if not read:
        raise ProviderError(FailureKind.BAD_REQUEST, NO_ECHO)
    return Response(
        logprob=sum(read),
        is_greedy=is_greedy,
        token_logprobs=tuple(read),
        tokens=len(read),
        is_rolling=is_rolling,
    )
