"""The provider against a real HTTP server that fails in every way we know of."""

import asyncio
import logging

import pytest

from providers import (
    EndpointConfig,
    FailureKind,
    GenerationSettings,
    Message,
    ProviderError,
    TokenLogprob,
    openai_stream,
)
from providers.pool import ProviderPool
from tests.openai_server import (
    Fault,
    OpenAIServer,
    Reply,
    every,
    first,
    first_attempts,
    in_turn,
    nobody_listening,
    run_in_thread,
)
from tests.providers.conftest import SECRET, read_texts

HELLO = [Message("user", "hello there, how are you today?")]
BOTH_WAYS = pytest.mark.parametrize("is_streaming", [False, True], ids=["whole", "streamed"])

# fault → (what a whole reply fails with, what a streamed one fails with)
FAULTS = {
    "rate_limit": (FailureKind.RATE_LIMITED, FailureKind.RATE_LIMITED),
    "server_error": (FailureKind.SERVER_ERROR, FailureKind.SERVER_ERROR),
    "cut": (FailureKind.STREAM_CUT, FailureKind.STREAM_CUT),
    "garbage": (FailureKind.MALFORMED_REPLY, FailureKind.MALFORMED_REPLY),
    "empty": (FailureKind.MALFORMED_REPLY, FailureKind.STREAM_CUT),
    "html": (FailureKind.MALFORMED_REPLY, FailureKind.MALFORMED_REPLY),
    "error_in_stream": (FailureKind.MALFORMED_REPLY, FailureKind.SERVER_ERROR),
}


@BOTH_WAYS
@pytest.mark.parametrize("api", ["chat", "completions"])
async def test_a_reply_arrives_with_its_usage(provider_at, is_streaming, api):
    async with OpenAIServer(reply=lambda messages: Reply("fine, 谢谢")) as server:
        provider = provider_at(server.url, is_streaming=is_streaming, api=api)
        completion = await provider.complete(HELLO)
    assert completion.text == "fine, 谢谢"
    assert completion.finish_reason == "stop"
    assert completion.output_tokens == 2
    assert completion.is_usage_reported
    assert completion.model == "alpha"


async def test_a_stream_hands_out_reasoning_and_text_and_then_the_whole(provider_at):
    reply = Reply("the answer is four", reasoning="two and two make…")
    async with (
        OpenAIServer(reply=lambda messages: reply, chunk_characters=3) as server,
        provider_at(server.url).stream(HELLO) as stream,
    ):
        deltas = [delta async for delta in stream]
        completion = stream.completion
    assert "".join(delta.text for delta in deltas) == completion.text == reply.text
    assert "".join(delta.reasoning for delta in deltas) == completion.reasoning == reply.reasoning
    assert 0 <= completion.ttft_s <= completion.latency_s


async def test_the_whole_is_not_there_before_the_stream_ends(provider_at):
    async with OpenAIServer() as server, provider_at(server.url).stream(HELLO) as stream:
        await anext(stream)
        with pytest.raises(RuntimeError, match="not finished"):
            _ = stream.completion


async def test_leaving_a_stream_early_frees_its_place(provider_at):
    async with OpenAIServer() as server:
        provider = provider_at(server.url, max_concurrency=1)
        for _ in range(3):
            async with provider.stream(HELLO) as stream:
                await anext(stream)
        assert (await provider.complete(HELLO)).text


async def test_logprobs_come_back(provider_at):
    reply = Reply("m", logprobs=((("m", -0.1), ("M", -2.5)),))
    async with OpenAIServer(reply=lambda messages: reply) as server:
        completion = await provider_at(server.url).complete(
            HELLO, GenerationSettings(logprobs=True, top_logprobs=2)
        )
    assert completion.top_logprobs == ((TokenLogprob("m", -0.1), TokenLogprob("M", -2.5)),)


@BOTH_WAYS
@pytest.mark.parametrize("fault", FAULTS)
async def test_each_fault_has_its_name(provider_at, fault, is_streaming):
    async with OpenAIServer(fault=every(1, Fault(fault))) as server:
        provider = provider_at(server.url, is_streaming=is_streaming, max_attempts=1)
        with pytest.raises(ProviderError) as caught:
            await provider.complete(HELLO)
    assert caught.value.kind == FAULTS[fault][is_streaming]
    assert caught.value.is_retryable


@BOTH_WAYS
async def test_a_hanging_endpoint_times_out(provider_at, is_streaming):
    async with OpenAIServer(fault=every(1, Fault("hang"))) as server:
        provider = provider_at(
            server.url, is_streaming=is_streaming, max_attempts=1, timeout_s=0.05
        )
        with pytest.raises(ProviderError, match="no answer from") as caught:
            await provider.complete(HELLO)
    assert caught.value.kind == FailureKind.TIMED_OUT


async def test_a_stream_that_falls_silent_times_out_long_before_the_whole(provider_at):
    async with OpenAIServer(chunk_delay_s=30) as server:
        provider = provider_at(
            server.url, is_streaming=True, max_attempts=1, timeout_s=60, idle_timeout_s=0.05
        )
        with pytest.raises(ProviderError, match=r"silent for 0\.05 s"):
            await provider.complete(HELLO)


async def test_nobody_listening_is_a_failed_connection(provider_at):
    with (
        nobody_listening() as url,
        pytest.raises(ProviderError, match=r"no connection to 127\.0\.0\.1") as caught,
    ):
        await provider_at(url, max_attempts=1).complete(HELLO)
    assert caught.value.kind == FailureKind.CONNECTION_FAILED


@BOTH_WAYS
@pytest.mark.parametrize("fault", FAULTS)
async def test_after_two_faults_the_third_attempt_succeeds(provider_at, fault, is_streaming):
    async with OpenAIServer(fault=first(2, Fault(fault))) as server:
        provider = provider_at(server.url, is_streaming=is_streaming)
        completion = await provider.complete(HELLO)
    assert completion.text == HELLO[0].text
    assert completion.attempts == 3
    assert len(server.calls) == 3
    assert server.paid_twice == []


async def test_retry_after_is_waited_out_before_the_next_attempt(provider_at, clock):
    async with OpenAIServer(fault=first(1, Fault("rate_limit", retry_after="7"))) as server:
        began = clock.time
        await provider_at(server.url).complete(HELLO)
    assert clock.time - began >= 7


async def test_attempts_end_and_the_last_failure_is_told(provider_at):
    async with OpenAIServer(fault=every(1, Fault("server_error"))) as server:
        with pytest.raises(ProviderError) as caught:
            await provider_at(server.url, max_attempts=3).complete(HELLO)
    assert caught.value.attempts == len(server.calls) == 3


async def test_a_bad_request_is_sent_once(provider_at):
    async with OpenAIServer(fault=every(1, Fault("server_error", status=400))) as server:
        with pytest.raises(ProviderError, match="HTTP 400: planned failure"):
            await provider_at(server.url).complete(HELLO)
    assert len(server.calls) == 1


async def test_a_stream_is_begun_again_only_before_its_first_delta(provider_at):
    plan = in_turn(Fault("server_error"), Fault("cut"))
    async with (
        OpenAIServer(fault=plan, chunk_characters=3) as server,
        provider_at(server.url).stream(HELLO) as stream,
    ):
        seen = []
        with pytest.raises(ProviderError) as caught:
            await read_texts(stream, seen)
    assert len(server.calls) == 2
    assert caught.value.kind == FailureKind.STREAM_CUT
    assert caught.value.partial.text == "".join(seen) != ""


async def test_an_endpoint_that_does_not_stream_is_understood(provider_at):
    class Deaf(OpenAIServer):
        async def _stream(self, request, call, fault):
            return self._whole(request, call, fault)

    async with Deaf() as server:
        completion = await provider_at(server.url, is_streaming=True).complete(HELLO)
    assert completion.text == HELLO[0].text
    assert completion.ttft_s is None


async def test_a_failing_endpoint_is_left_alone_after_ten_failures(provider_at):
    async with OpenAIServer(fault=every(1, Fault("server_error"))) as server:
        provider = provider_at(server.url, max_attempts=1)
        kinds = []
        for _ in range(30):
            with pytest.raises(ProviderError) as caught:
                await provider.complete(HELLO)
            kinds.append(caught.value.kind)
    assert len(server.calls) == 10
    assert kinds[10:] == [FailureKind.CIRCUIT_OPEN] * 20


async def test_many_calls_through_a_flaky_endpoint_are_each_paid_once(pool):
    async with OpenAIServer(
        fault=first_attempts(1, Fault("server_error")), delay_s=0.002
    ) as server:
        config = EndpointConfig(
            base_url=server.url,
            model="alpha",
            max_concurrency=8,
            settings={"circuit_threshold": 1000},
        )
        provider = pool.get(config)
        asked = [[Message("user", f"question {number}")] for number in range(100)]
        replies = await asyncio.gather(*(provider.complete(messages) for messages in asked))
    assert [reply.text for reply in replies] == [messages[0].text for messages in asked]
    assert len(server.paid_calls) == 100
    assert server.paid_twice == []
    assert server.most_in_flight <= 8


async def test_refusals_lower_the_concurrency(pool):
    async with OpenAIServer(fault=first(1, Fault("rate_limit"))) as server:
        provider = pool.get(EndpointConfig(base_url=server.url, model="a", max_concurrency=64))
        await provider.complete(HELLO)
    assert provider._caller.gate.concurrency.limit == 32


async def test_connections_are_used_again(provider_at, monkeypatch):
    monkeypatch.setattr(openai_stream, "LINGER_S", 60.0)
    ports = set()

    class Watching(OpenAIServer):
        async def _counted(self, request):
            ports.add(request.transport.get_extra_info("peername")[1])
            return await super()._counted(request)

    async with Watching() as server:
        for is_streaming in (False, True):
            ports.clear()
            provider = provider_at(server.url, is_streaming=is_streaming)
            for _ in range(5):
                await provider.complete(HELLO)
            assert len(ports) == 1


async def test_a_redirect_is_not_followed_with_the_key(provider_at):
    from aiohttp import web

    class Elsewhere(OpenAIServer):
        async def _counted(self, request):
            return web.Response(status=307, headers={"Location": "https://evil.example/v1"})

    async with Elsewhere() as server:
        with pytest.raises(ProviderError, match=r"redirects to evil\.example") as caught:
            await provider_at(server.url).complete(HELLO)
    assert caught.value.kind == FailureKind.BAD_REQUEST


async def test_azure_gets_its_key_header_deployment_and_version(provider_at):
    async with OpenAIServer() as server:
        await provider_at(server.url, api_version="2024-10-21").complete(HELLO)
    (call,) = server.calls
    assert call.path == "/openai/deployments/alpha/chat/completions"
    assert call.headers["api-key"] == SECRET
    assert "Authorization" not in call.headers


async def test_a_wrong_key_is_named_but_not_shown(provider_at, caplog):
    caplog.set_level(logging.DEBUG)
    async with OpenAIServer(api_key="another") as server:
        with pytest.raises(ProviderError, match="HTTP 401") as caught:
            await provider_at(server.url, extra_headers={"x": SECRET}).complete(HELLO)
    assert caught.value.kind == FailureKind.AUTHENTICATION_FAILED
    assert SECRET not in str(caught.value)
    assert SECRET not in caplog.text


def test_a_config_shows_neither_key_nor_headers_nor_password():
    config = EndpointConfig(
        base_url="https://me:hunter2@host/v1", api_key=SECRET, extra_headers={"X": "hush-hush"}
    )
    shown = repr(config) + str(config) + f"{config}"
    assert not [secret for secret in (SECRET, "hunter2", "hush-hush") if secret in shown]


async def test_text_that_is_no_unicode_is_a_bad_request(provider_at):
    with pytest.raises(ProviderError, match="cannot be written as JSON"):
        await provider_at("http://127.0.0.1:1").complete([Message("user", "\ud800")])


async def test_one_configuration_has_one_provider(pool):
    first_config = EndpointConfig(base_url="http://h:1", model="alpha")
    assert pool.get(first_config) is pool.get(EndpointConfig(base_url="http://h:1", model="alpha"))
    assert pool.get(first_config) is not pool.get(
        EndpointConfig(base_url="http://h:1", model="beta")
    )


def test_synchronous_code_can_use_the_server_from_a_thread():
    async def ask(url):
        async with ProviderPool() as pool:
            return await pool.get(EndpointConfig(base_url=url, model="alpha")).complete(HELLO)

    with run_in_thread(OpenAIServer()) as server:
        assert asyncio.run(ask(server.url)).text == HELLO[0].text
        assert len(server.calls) == 1
