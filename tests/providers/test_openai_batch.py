"""The Batch API through the openai package, against a server that answers batches at once."""

from dataclasses import replace

import orjson
import pytest

from providers import EndpointConfig, FailureKind, GenerationSettings, Message, ProviderError
from providers import openai_batch as module
from providers.openai_batch import BatchRequest, OpenAIBatches
from providers.openai_sdk import list_models
from tests.batch_server import BatchServer
from tests.openai_server import nobody_listening

SETTINGS = GenerationSettings(temperature=0.0)


@pytest.fixture
async def server():
    async with BatchServer(reply=lambda messages: "say\u2028" + messages[-1]["content"]) as opened:
        yield opened


@pytest.fixture
def batches(server):
    return OpenAIBatches(EndpointConfig(base_url=server.url, model="alpha", max_attempts=1))


def request(name):
    return BatchRequest(name, (Message("user", name),), SETTINGS)


async def test_a_batch_goes_out_as_one_file_and_comes_back_row_by_row(batches, server):
    batch_id = await batches.submit([request("one"), request("two")], label="run 1")
    status = await batches.status(batch_id)
    texts = {
        outcome.custom_id: outcome.completion.text async for outcome in batches.results(batch_id)
    }
    assert (status.is_finished, status.total, status.completed) == (True, 2, 2)
    assert texts == {"one": "say\u2028one", "two": "say\u2028two"}
    assert len(server.files) == 3


async def test_the_file_holds_the_bodies_that_single_calls_would_send(batches, server):
    await batches.submit([request("one")], label="run 1")
    row = orjson.loads(server.files["file-0"])
    assert row == {
        "custom_id": "one",
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": {
            "model": "alpha",
            "messages": [{"role": "user", "content": "one"}],
            "temperature": 0.0,
        },
    }


async def test_a_failed_row_comes_back_as_a_named_failure(batches):
    batch_id = await batches.submit([request("fail"), request("one")], label="run 1")
    outcomes = {outcome.custom_id: outcome async for outcome in batches.results(batch_id)}
    assert outcomes["one"].error is None
    assert outcomes["fail"].completion is None
    assert outcomes["fail"].error.kind == FailureKind.RATE_LIMITED
    assert "slow down" in outcomes["fail"].error.detail


async def test_a_batch_whose_id_was_lost_is_found_by_its_label(batches):
    batch_id = await batches.submit([request("one")], label="run 1")
    assert await batches.find("run 1") == batch_id
    assert await batches.find("run 2") is None


async def test_a_cancelled_batch_is_not_found_again(batches):
    batch_id = await batches.submit([request("one")], label="run 1")
    await batches.cancel(batch_id)
    assert await batches.find("run 1") is None


async def test_too_many_requests_are_refused_before_anything_is_sent(batches, server, monkeypatch):
    monkeypatch.setattr(module, "MAX_REQUESTS", 1)
    with pytest.raises(ValueError, match="several batches"):
        await batches.submit([request("one"), request("two")], label="run 1")
    assert server.files == {}


async def test_models_are_listed(server):
    config = EndpointConfig(base_url=server.url)
    assert await list_models(config) == ["alpha", "beta", "gamma"]


async def test_failures_of_the_package_have_the_same_names():
    async with BatchServer(api_key="right") as server:
        config = EndpointConfig(base_url=server.url, api_key="wrong-key-1234", max_attempts=1)
        with pytest.raises(ProviderError) as caught:
            await list_models(config)
    assert caught.value.kind == FailureKind.AUTHENTICATION_FAILED
    assert caught.value.status == 401
    with nobody_listening() as url, pytest.raises(ProviderError) as caught:
        await list_models(replace(config, base_url=url))
    assert caught.value.kind == FailureKind.CONNECTION_FAILED
