"""Any endpoint that speaks OpenAI's protocol: chat or text completions, whole or streamed.

It talks HTTP through one aiohttp session per provider instead of the openai package, which spends
about 1.8 ms of processor time on a call.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import orjson

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
)
from providers.calling import CallingProvider, Parts
from providers.openai_failures import (
    Redactor,
    error_in,
    failure_from_object,
    failure_from_response,
    malformed,
)
from providers.openai_stream import drain, events
from providers.openai_urls import is_azure, operation_url
from providers.openai_wire import ReplyCollector, checked, parse_reply, request_body

if TYPE_CHECKING:
    from aiohttp import ClientResponse, ClientSession
    from yarl import URL

MAX_BODY_BYTES = 64 * 2**20
READ_BUFFER_BYTES = 2**20  # aiohttp's 64 KiB stalls long replies (vLLM issue 39963)
KEEP_ALIVE_S = 30.0  # below the minute after which common proxies drop a silent connection
DEFAULT_SETTINGS = GenerationSettings()


@PROVIDERS.register("openai_compatible")
class OpenAICompatibleProvider(CallingProvider):
    """One endpoint and model; belongs to the event loop that first calls it."""

    def __init__(self, config: EndpointConfig, context: ProviderContext) -> None:
        super().__init__(config, context)
        self._redact = Redactor(config)
        self._url = operation_url(
            config.base_url, api=config.api, model=config.model, api_version=config.api_version
        )
        self._headers = request_headers(config)
        self._proxy = _proxy_for(self._url)
        self._session: ClientSession | None = None
        self._target: URL | str = self._url

    async def complete(
        self, messages: Sequence[Message], settings: GenerationSettings | None = None
    ) -> Completion:
        """The whole reply, streamed or not as the endpoint is configured."""
        chosen = settings or DEFAULT_SETTINGS
        # an echoed prompt is there at once: servers stream it token by token, or not at all
        is_streaming = self._config.is_streaming and not chosen.extra.get("echo")
        body = self._body(messages, chosen, is_streaming=is_streaming)

        async def attempt() -> Completion:
            return await (self._collect(body) if is_streaming else self._complete_once(body))

        return await self._caller.complete(attempt, messages, chosen)

    def stream(
        self, messages: Sequence[Message], settings: GenerationSettings | None = None
    ) -> CompletionStream:
        """The reply as it arrives."""
        chosen = settings or DEFAULT_SETTINGS
        body = self._body(messages, chosen, is_streaming=True)
        return self._caller.stream(lambda: self._stream_once(body), messages, chosen)

    async def aclose(self) -> None:
        """Close the connections."""
        await super().aclose()
        if self._session is not None:
            await self._session.close()

    def _body(
        self, messages: Sequence[Message], settings: GenerationSettings, *, is_streaming: bool
    ) -> bytes:
        body = request_body(self._config, messages, settings, is_streaming=is_streaming)
        try:
            return orjson.dumps(body)
        except orjson.JSONEncodeError as error:
            raise ProviderError(
                FailureKind.BAD_REQUEST, f"the request cannot be written as JSON: {error}"
            ) from error

    async def _complete_once(self, body: bytes) -> Completion:
        began_at = self._timing.now()
        async with self._posted(body) as response:
            raw = await _read_bounded(response)
        return checked(self._parse(raw, latency_s=self._timing.now() - began_at))

    async def _collect(self, body: bytes) -> Completion:
        async with aclosing(self._stream_once(body)) as parts:
            async for part in parts:
                if isinstance(part, Completion):
                    return part
        raise AssertionError("a stream ends with its completion or an error")

    async def _stream_once(self, body: bytes) -> Parts:
        began_at = self._timing.now()
        ttft_s: float | None = None
        reply = ReplyCollector()
        async with self._posted(body) as response:
            if not _is_event_stream(response):
                # the server does not stream, or answered with an error or a web page
                raw = await _read_bounded(response)
                whole = checked(self._parse(raw, latency_s=self._timing.now() - began_at))
                yield Delta(whole.text, whole.reasoning)
                yield whole
                return
            arriving = events(
                response,
                reply,
                idle_timeout_s=self._config.idle_timeout_s,
                redact=self._redact,
            )
            async with aclosing(arriving):
                async for event in arriving:
                    delta = reply.add(event)
                    if delta is None:
                        continue
                    if ttft_s is None:
                        ttft_s = self._timing.now() - began_at
                    yield delta
            latency_s = self._timing.now() - began_at
            await drain(response)
        yield checked(reply.completion(latency_s=latency_s, ttft_s=ttft_s))

    def _parse(self, raw: bytes, *, latency_s: float) -> Completion:
        try:
            reply = orjson.loads(raw)
        except orjson.JSONDecodeError:
            raise malformed(raw, self._redact) from None
        if not isinstance(reply, dict):
            raise malformed(raw, self._redact)
        if error := error_in(reply):
            raise failure_from_object(error, self._redact)
        try:
            return parse_reply(reply, latency_s=latency_s)
        except ValueError:
            raise malformed(raw, self._redact) from None

    @asynccontextmanager
    async def _posted(self, body: bytes) -> AsyncIterator["ClientResponse"]:
        """The answer to one request, if its status is 200; each other outcome has its name."""
        from aiohttp import ClientError, ClientPayloadError

        session = self._session or self._open_session()
        try:
            async with session.post(
                self._target,
                data=body,
                headers=self._headers,
                proxy=self._proxy,
                # a redirect would carry the key to wherever the endpoint points
                allow_redirects=False,
            ) as response:
                if response.status != 200:
                    raise await self._refusal(response)
                yield response
        except TimeoutError as error:
            raise ProviderError(
                FailureKind.TIMED_OUT,
                f"no answer from {self._place} within {self._config.timeout_s:g} s "
                f"(connecting: {self._config.connect_timeout_s:g} s)",
            ) from error
        except ClientPayloadError as error:
            raise ProviderError(
                FailureKind.STREAM_CUT, self._redact(f"the reply broke off: {error}")
            ) from error
        except (ClientError, OSError) as error:
            raise ProviderError(
                FailureKind.CONNECTION_FAILED,
                self._redact(f"no connection to {self._place}: {error or type(error).__name__}"),
            ) from error

    async def _refusal(self, response: "ClientResponse") -> ProviderError:
        if 300 <= response.status < 400:
            place = urlsplit(response.headers.get("location", "")).netloc or "another page"
            return ProviderError(
                FailureKind.BAD_REQUEST,
                f"HTTP {response.status}: {self._place} redirects to {place}; "
                "correct the endpoint's base URL",
                status=response.status,
            )
        return failure_from_response(
            response.status,
            response.headers,
            await _read_bounded(response),
            wall_now=self._timing.wall(),
            redact=self._redact,
        )

    @property
    def _place(self) -> str:
        return urlsplit(self._url).netloc.rpartition("@")[2]

    def _open_session(self) -> "ClientSession":
        from aiohttp import ClientSession, ClientTimeout, DummyCookieJar, TCPConnector
        from yarl import URL

        self._target = URL(self._url)  # parsed once instead of per call
        self._session = ClientSession(
            connector=TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE_S, ttl_dns_cache=300),
            cookie_jar=DummyCookieJar(),
            timeout=ClientTimeout(
                # sock_connect, not connect, which would set a timer for every call
                total=self._config.timeout_s,
                sock_connect=self._config.connect_timeout_s,
            ),
            read_bufsize=READ_BUFFER_BYTES,
        )
        return self._session


def request_headers(config: EndpointConfig) -> dict[str, str]:
    """Headers of every request, with the key where this vendor looks for it."""
    headers = {"Content-Type": "application/json"}
    if config.api_key and is_azure(config.base_url, config.api_version):
        headers["api-key"] = config.api_key
    elif config.api_key:
        headers["Authorization"] = f"Bearer {config.api_key}"
    return headers | dict(config.extra_headers)


def _proxy_for(url: str) -> str | None:
    """The proxy that the environment names for this URL, looked up once instead of per call."""
    parts = urlsplit(url)
    if proxy_bypass(parts.hostname or ""):
        return None
    return getproxies().get(parts.scheme)


def _is_event_stream(response: "ClientResponse") -> bool:
    declared: Mapping[str, str] = response.headers
    kind = declared.get("content-type", "").partition(";")[0].strip().lower()
    return kind not in ("application/json", "text/html")


async def _read_bounded(response: "ClientResponse") -> bytes:
    pieces: list[bytes] = []
    size = 0
    while piece := await response.content.readany():
        pieces.append(piece)
        size += len(piece)
        if size > MAX_BODY_BYTES:
            raise ProviderError(
                FailureKind.MALFORMED_REPLY, f"the reply is larger than {MAX_BODY_BYTES} bytes"
            )
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)
