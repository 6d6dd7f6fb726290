"""What an endpoint's error means, from its status, headers and body in any of the usual shapes."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from providers.base import EndpointConfig, FailureKind, ProviderError
from providers.retrying import retry_after_s

# OpenAI, Azure, DashScope and OpenRouter words; matched against an error's code and type
_QUOTA = re.compile(r"insufficient_quota|billing|arrearage|insufficient.?balance|free.?tier", re.I)
_FILTERED = re.compile(
    r"content_filter|content_policy|responsible_?ai|data_?inspection|moderation", re.I
)
_TOO_LONG = re.compile(
    r"context_length_exceeded|string_above_max_length|maximum context length|"
    r"context (length|window)|prompt is too long|input is too long|too many tokens|"
    r"range of input length|max(imum)?_?(model|input)_?len",
    re.I,
)
_OVERLOADED = re.compile(r"rate_?limit|throttl|too many requests|overloaded_error", re.I)
_TITLE = re.compile(rb"<title[^>]*>([^<]{1,200})", re.I)
_KEY_SHAPE = re.compile(r"\b(sk|pk|rk|key|Bearer)[-_ ][A-Za-z0-9*._-]{6,}")
_SHORTEST_SECRET = 6

STATUS_KINDS = {
    401: FailureKind.AUTHENTICATION_FAILED,
    402: FailureKind.QUOTA_EXHAUSTED,
    403: FailureKind.AUTHENTICATION_FAILED,
    404: FailureKind.NOT_FOUND,
    408: FailureKind.TIMED_OUT,
    409: FailureKind.SERVER_ERROR,
    413: FailureKind.CONTEXT_TOO_LONG,
    425: FailureKind.SERVER_ERROR,
    429: FailureKind.RATE_LIMITED,
}


class Redactor:
    """Takes an endpoint's secrets, and what looks like a key, out of a text."""

    def __init__(self, config: EndpointConfig) -> None:
        secrets = [config.api_key, *config.extra_headers.values()]
        self._secrets = _longest_first(text for text in secrets if len(text) >= _SHORTEST_SECRET)

    def __call__(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "[key]")
        return _KEY_SHAPE.sub("[key]", text)


def _longest_first(secrets: Iterable[str]) -> list[str]:
    return sorted(secrets, key=len, reverse=True)


def failure_from_response(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    wall_now: float,
    redact: Redactor,
) -> ProviderError:
    """The failure behind an HTTP answer that is not 200."""
    error = error_object(body) or {}
    return _failure(
        status,
        error,
        said=_sentence(error) or _glimpse(body),
        retry_after=retry_after_s(headers, wall_now),
        redact=redact,
    )


def failure_from_object(error: Mapping[str, Any], redact: Redactor) -> ProviderError:
    """The failure behind an error object that came with status 200, whole or inside a stream."""
    named = [str(error.get(name)) for name in ("code", "status")]
    statuses = [int(text) for text in named if re.fullmatch(r"[45]\d\d", text)]
    status = statuses[0] if statuses else None
    return _failure(status, error, said=_sentence(error), retry_after=None, redact=redact)


def error_object(body: bytes) -> dict[str, Any] | None:
    """The error inside a JSON body: OpenAI's ``error``, a bare one, FastAPI's ``detail``."""
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    if isinstance(parsed, list) and parsed:
        parsed = parsed[0]  # Google's OpenAI-compatible endpoint wraps its errors in a list
    if not isinstance(parsed, dict):
        return None
    return error_in(parsed) or parsed


def error_in(reply: Mapping[str, Any]) -> dict[str, Any] | None:
    """The error that a parsed reply or stream event carries, if it carries one."""
    error = reply.get("error")
    if isinstance(error, dict):
        return error
    if error:
        return {"message": str(error)}
    if reply.get("object") == "error":
        return dict(reply)
    return None


def malformed(body: bytes, redact: Redactor) -> ProviderError:
    """The failure of an answer with status 200 that is not a completion."""
    return ProviderError(
        FailureKind.MALFORMED_REPLY, redact(f"the answer is no completion: {_glimpse(body)}")
    )


def _failure(
    status: int | None,
    error: Mapping[str, Any],
    *,
    said: str,
    retry_after: float | None,
    redact: Redactor,
) -> ProviderError:
    kind = _kind(status, error, said)
    prefix = f"HTTP {status}: " if status else ""
    return ProviderError(kind, redact(prefix + said), retry_after_s=retry_after, status=status)


def _kind(status: int | None, error: Mapping[str, Any], said: str) -> FailureKind:
    words = f"{error.get('code') or ''} {error.get('type') or ''}"
    metadata = error.get("metadata")
    if _QUOTA.search(words):
        return FailureKind.QUOTA_EXHAUSTED
    if _FILTERED.search(words) or (isinstance(metadata, dict) and "flagged_input" in metadata):
        return FailureKind.CONTENT_FILTERED
    if status in (None, 400, 413, 422, 500) and _TOO_LONG.search(f"{words} {said}"):
        return FailureKind.CONTEXT_TOO_LONG
    if status is None:
        is_overload = _OVERLOADED.search(f"{words} {said}")
        return FailureKind.RATE_LIMITED if is_overload else FailureKind.SERVER_ERROR
    if status in STATUS_KINDS:
        return STATUS_KINDS[status]
    return FailureKind.SERVER_ERROR if status >= 500 else FailureKind.BAD_REQUEST


def _sentence(error: Mapping[str, Any]) -> str:
    for name in ("message", "detail", "error", "msg"):
        if said := error.get(name):
            return said if isinstance(said, str) else orjson.dumps(said).decode()
    return orjson.dumps(error, default=str).decode() if error else ""


def _glimpse(body: bytes) -> str:
    """The start of a body that is not JSON; of a web page, its title."""
    if not body.strip():
        return "the body is empty"
    text = body[:300].decode(errors="replace").strip()
    if not text.startswith("<"):
        return repr(text)
    title = _TITLE.search(body[:4096])
    return "a web page" + (f" titled {title[1].decode(errors='replace')!r}" if title else "")
