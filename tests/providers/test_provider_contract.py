"""What every kind of provider promises, and what the package as a whole costs to import."""

import subprocess
import sys

import pytest

from providers import PROVIDERS, Completion, EndpointConfig, GenerationSettings, ImagePart, Message
from tests.openai_server import OpenAIServer

HELLO = [Message("system", "Be brief."), Message("user", "Say something.")]
HEAVY = ("openai", "aiohttp", "torch", "transformers", "redis", "django")
# kinds that need more than a URL have contract tests of their own
NEEDS_A_MODEL = {"transformers_local"}
KINDS = sorted(set(PROVIDERS.names()) - NEEDS_A_MODEL)


@pytest.fixture(params=KINDS)
async def provider(request, pool):
    async with OpenAIServer() as server:
        yield pool.get(
            EndpointConfig(
                provider=request.param,
                base_url=server.url,
                model="alpha",
                settings={"script": "echo"},
            )
        )


async def test_complete_gives_a_completion_with_its_accounts(provider):
    completion = await provider.complete(HELLO, GenerationSettings(max_tokens=20))
    assert isinstance(completion, Completion)
    assert completion.text == "Say something."
    assert completion.finish_reason == "stop"
    assert completion.input_tokens > 0
    assert completion.output_tokens > 0
    assert completion.latency_s >= 0
    assert completion.attempts == 1


async def test_a_stream_adds_up_to_its_completion(provider):
    async with provider.stream(HELLO) as stream:
        text = "".join([delta.text async for delta in stream])
    assert text == stream.completion.text == "Say something."
    assert stream.completion.ttft_s is not None


async def test_a_provider_remembers_its_configuration(provider):
    assert provider.config.model == "alpha"


def test_looking_up_providers_imports_nothing_heavy():
    code = (
        "import sys; from providers import PROVIDERS; PROVIDERS.names(); import providers.pool; "
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"api": "telepathy"}, "api 'telepathy' is unknown"),
        ({"max_concurrency": 0}, "max_concurrency is 0"),
        ({"timeout_s": 0}, "timeout_s is 0"),
        ({"tokens_per_minute": -1}, "tokens_per_minute is -1"),
    ],
)
def test_a_configuration_that_cannot_work_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        EndpointConfig(**options)


def test_a_role_or_image_that_no_endpoint_takes_is_refused():
    with pytest.raises(ValueError, match="role 'narrator' is unknown"):
        Message("narrator", "…")
    with pytest.raises(ValueError, match="cannot be sent to a model"):
        ImagePart("file:///etc/passwd")
