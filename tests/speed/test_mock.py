"""The mock keeps its promises: timing by its own record, shapes, faults, cache, queue."""

import http.client
from itertools import pairwise

import orjson
import pytest

from speed.mock_behaviour import BehaviourError, MockBehaviour, PrefixCache


def ask(mock, path="/v1/chat/completions", **body):
    body = {
        "model": "mock",
        "max_tokens": 6,
        "messages": [{"role": "user", "content": "Hi"}],
    } | body
    connection = http.client.HTTPConnection(mock.url.removeprefix("http://"), timeout=60)
    try:
        connection.request("POST", path, orjson.dumps(body))
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def events(raw):
    return [line[6:] for line in raw.split(b"\n") if line.startswith(b"data: ")]


def test_a_stream_opens_with_the_role_and_closes_with_done(mock):
    mock.behave({"ttft_s": 0, "itl_s": 0})

    _, raw = ask(mock, stream=True, stream_options={"include_usage": True})

    found = events(raw)
    assert orjson.loads(found[0])["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert orjson.loads(found[-2])["usage"]["completion_tokens"] == 6
    assert found[-1] == b"[DONE]"


def test_tokens_are_bundled_as_told(mock):
    mock.behave({"ttft_s": 0, "itl_s": 0, "tokens_per_chunk": 4, "role_first": False})

    _, raw = ask(mock, stream=True)

    assert len(events(raw)) == 3  # 4 tokens, 2 tokens, [DONE]


def test_first_token_and_gaps_are_never_early(mock):
    mock.behave({"ttft_s": 0.03, "itl_s": 0.01, "batch_synchronous": False})

    ask(mock, stream=True)

    record = mock.truth()[0]
    sent, planned = record["sent_ns"], record["received_ns"] + 30e6
    assert all(planned + i * 10e6 <= at for i, at in enumerate(sent))
    assert all(b > a for a, b in pairwise(sent))


def test_a_buffering_proxy_sends_everything_at_the_end(mock):
    mock.behave({"ttft_s": 0.01, "itl_s": 0.01, "buffering": True})

    ask(mock, stream=True)

    record = mock.truth()[0]
    assert len(set(record["sent_ns"])) == 1
    assert record["sent_ns"][0] - record["received_ns"] >= 60e6


def test_an_answer_that_is_not_streamed_is_one_document(mock):
    mock.behave({"ttft_s": 0, "itl_s": 0})

    _, raw = ask(mock)

    assert orjson.loads(raw)["usage"]["completion_tokens"] == 6


def test_requests_beyond_the_capacity_queue(mock):
    from concurrent.futures import ThreadPoolExecutor

    mock.behave({"ttft_s": 0.05, "itl_s": 0, "capacity": 1})
    with ThreadPoolExecutor(3) as threads:
        list(threads.map(lambda _: ask(mock, stream=True), range(3)))

    first = sorted(record["sent_ns"][0] for record in mock.truth())
    assert all(b - a >= 50e6 for a, b in pairwise(first))


def test_faults_strike_the_same_requests_for_the_same_seed():
    behaviour = MockBehaviour(faults={"429": 0.3, "cut": 0.3}, seed=4)

    struck = [behaviour.fault_of(ordinal) for ordinal in range(200)]

    assert struck == [behaviour.fault_of(ordinal) for ordinal in range(200)]
    assert set(struck) == {"429", "cut", None}


def test_an_injected_429_says_when_to_come_back(mock):
    mock.behave({"faults": {"429": 1.0}})

    assert ask(mock)[0] == 429


@pytest.mark.parametrize(
    "settings",
    [{"faults": {"flood": 0.1}}, {"faults": {"429": 2}}, {"tokens_per_chunk": 0}, {"colour": 1}],
)
def test_settings_that_make_no_sense_are_refused(settings):
    with pytest.raises(BehaviourError):
        MockBehaviour.from_mapping(settings)


def test_a_cached_prefix_is_counted_in_whole_blocks():
    cache = PrefixCache()
    prompt = "x" * 200  # three blocks of 16 tokens of 4 characters

    assert [cache.admit(prompt), cache.admit(prompt), cache.admit("y" + prompt)] == [0, 48, 0]


def test_a_body_that_is_no_json_is_answered_with_400(mock):
    connection = http.client.HTTPConnection(mock.url.removeprefix("http://"), timeout=60)
    connection.request("POST", "/v1/chat/completions", b"{broken")

    assert connection.getresponse().status == 400
    connection.close()
