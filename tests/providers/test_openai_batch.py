"""The Batch API through the openai package, against a server that answers batches at once."""

import orjson
import pytest
from aiohttp import web

from providers import EndpointConfig, FailureKind, GenerationSettings, Message, ProviderError
from providers import openai_batch as module
from providers.openai_batch import BatchRequest, OpenAIBatches
from providers.openai_sdk import list_models
from tests.openai_server import Call, OpenAIServer, Reply, completion

SETTINGS = GenerationSettings(temperature=0.0)


class BatchServer(OpenAIServer):
    """Files and batches; a request whose text is ``fail`` ends in the error file."""

    def __post_init__(self):
        super().__post_init__()
        self.files = {}
        self.batches = {}

    async def handle_other(self, request):
        match request.method, request.path.strip("/").split("/")[1:]:
            case "POST", ["files"]:
                form = await web.Request.post(request)
                return self.add_file(form["file"].file.read())
            case "GET", ["files", name, "content"]:
                return web.Response(body=self.files[name])
            case "POST", ["batches"]:
                return self.run_batch(orjson.loads(await request.read()))
            case "GET", ["batches"]:
                newest_first = list(self.batches.values())[::-1]
                return web.json_response(
                    {"object": "list", "data": newest_first, "has_more": False}
                )
            case "GET", ["batches", name]:
                return web.json_response(self.batches[name])
            case "POST", ["batches", name, "cancel"]:
                self.batches[name]["status"] = "cancelled"
                return web.json_response(self.batches[name])
        return await super().handle_other(request)

    def add_file(self, content):
        name = f"file-{len(self.files)}"
        self.files[name] = content
        return web.json_response(
            {
                "id": name,
                "object": "file",
                "bytes": len(content),
                "created_at": 0,
                "filename": "requests.jsonl",
                "purpose": "batch",
                "status": "processed",
            }
        )

    def run_batch(self, body):
        rows = [orjson.loads(line) for line in self.files[body["input_file_id"]].splitlines()]
        outcomes = {False: [], True: []}
        for row in rows:
            is_failing = row["body"]["messages"][-1]["content"] == "fail"
            outcomes[is_failing].append(self.outcome(row, is_failing))
        for is_failing, name in ((False, "output"), (True, "error")):
            lines = [orjson.dumps(outcome) for outcome in outcomes[is_failing]]
            self.files[f"{name}-{len(self.batches)}"] = b"\n".join(lines)
        number = len(self.batches)
        self.batches[f"batch-{number}"] = body | {
            "id": f"batch-{number}",
            "object": "batch",
            "created_at": 0,
            "status": "completed",
            "output_file_id": f"output-{number}",
            "error_file_id": f"error-{number}",
            "request_counts": {
                "total": len(rows),
                "completed": len(outcomes[False]),
                "failed": len(outcomes[True]),
            },
        }
        return web.json_response(self.batches[f"batch-{number}"])

    def outcome(self, row, is_failing):
        call = Call(row["url"], row["body"], 0.0, {})
        reply = Reply(self.reply(row["body"]["messages"]))
        body = completion(call, reply)
        if is_failing:
            body = {"error": {"message": "slow down", "code": "rate_limit_exceeded"}}
        response = {"status_code": 429 if is_failing else 200, "body": body}
        return {"custom_id": row["custom_id"], "response": response, "error": None}


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
    with pytest.raises(ProviderError) as caught:
        await list_models(config)
    assert caught.value.kind == FailureKind.CONNECTION_FAILED
