import json

import pytest

from providers import (
    Completion,
    EndpointConfig,
    FailureKind,
    GenerationSettings,
    Message,
    ProviderError,
)
from providers.scripted import conversation_key
from providers.scripts import SCRIPTS
from tests.providers.conftest import read_texts

HELLO = [Message("user", "hello")]


@pytest.fixture
def scripted(pool):
    def open_provider(max_attempts=1, **settings):
        config = EndpointConfig(
            provider="scripted", model="beta", max_attempts=max_attempts, settings=settings
        )
        return pool.get(config)

    return open_provider


async def test_a_reply_is_found_by_the_last_message(scripted):
    completion = await scripted(replies={"hello": "hi"}).complete(HELLO)
    assert (completion.text, completion.finish_reason, completion.model) == ("hi", "stop", "beta")


async def test_the_whole_conversation_wins_over_its_last_message(scripted):
    talk = [Message("user", "one"), Message("assistant", "two"), Message("user", "hello")]
    replies = {"hello": "hi", conversation_key(talk): "three"}
    assert (await scripted(replies=replies).complete(talk)).text == "three"


async def test_stored_tokens_and_reasoning_are_replayed(scripted):
    stored = {"text": "hi", "reasoning": "hm", "input_tokens": 3, "output_tokens": 5}
    completion = await scripted(replies={"hello": stored}).complete(HELLO)
    assert (completion.reasoning, completion.output_tokens) == ("hm", 5)
    assert completion.is_usage_reported


async def test_tokens_that_nobody_stored_are_estimates(scripted):
    completion = await scripted(default="x" * 400).complete(HELLO)
    assert completion.output_tokens == 101
    assert not completion.is_usage_reported


async def test_a_rule_replies_by_name(scripted):
    assert (await scripted(script="echo").complete(HELLO)).text == "hello"


async def test_a_rule_sees_the_settings_and_may_give_a_whole_completion(scripted, monkeypatch):
    SCRIPTS.names()
    monkeypatch.setitem(
        SCRIPTS._parts,
        "hot",
        lambda messages, settings: Completion(text=str(settings.temperature), reasoning="why"),
    )
    completion = await scripted(script="hot").complete(HELLO, GenerationSettings(temperature=0.7))
    assert (completion.text, completion.reasoning) == ("0.7", "why")


async def test_a_file_of_replies_is_read_by_prompt_key_or_messages(scripted, tmp_path):
    talk = [Message("user", "a"), Message("assistant", "b"), Message("user", "c")]
    rows = [
        {"prompt": "hello", "reply": "hi\u2028there"},
        {"key": conversation_key([Message("user", "k")]), "reply": {"text": "by key"}},
        {
            "messages": [{"role": turn.role, "content": turn.text} for turn in talk],
            "reply": "by talk",
        },
    ]
    path = tmp_path / "replies.jsonl"
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), "utf-8")
    provider = scripted(replies_file=str(path))
    asked = (HELLO, [Message("user", "k")], talk)
    texts = [(await provider.complete(messages)).text for messages in asked]
    assert texts == ["hi\u2028there", "by key", "by talk"]


async def test_a_bad_line_in_the_file_is_named(scripted, tmp_path):
    path = tmp_path / "replies.jsonl"
    path.write_text('{"prompt": "a", "reply": "b"}\n{"prompt": "a"}\n')
    with pytest.raises(ValueError, match=r"replies\.jsonl, line 2: not a stored reply"):
        scripted(replies_file=str(path))


async def test_a_missing_reply_is_a_failure_that_says_how_to_add_it(scripted):
    with pytest.raises(ProviderError, match=f"add one under {conversation_key(HELLO)}"):
        await scripted(replies={"other": "x"}).complete(HELLO)


async def test_the_stream_is_cut_into_pieces_at_the_asked_pace(scripted, clock):
    provider = scripted(default="abcdefgh", delay_s=2, chunk_characters=3, chunk_delay_s=0.5)
    async with provider.stream(HELLO) as stream:
        pieces = [delta.text async for delta in stream]
        completion = stream.completion
    assert pieces == ["abc", "def", "gh"]
    assert completion.ttft_s == pytest.approx(2)
    assert completion.latency_s == pytest.approx(3)


async def test_a_delay_is_the_latency(scripted):
    assert (await scripted(default="x", delay_s=2).complete(HELLO)).latency_s == pytest.approx(2)


async def test_planned_failures_strike_when_planned(scripted):
    failures = [{"kind": "rate_limited", "on_calls": [1]}, {"kind": "timed_out", "every": 3}]
    provider = scripted(default="x", failures=failures)
    outcomes = []
    for _ in range(4):
        try:
            outcomes.append((await provider.complete(HELLO)).text)
        except ProviderError as error:
            outcomes.append(str(error.kind))
    assert outcomes == ["rate_limited", "x", "timed_out", "x"]


async def test_a_planned_failure_is_retried_like_a_real_one(scripted):
    provider = scripted(
        max_attempts=3, default="x", failures=[{"kind": "server_error", "first_attempts": 2}]
    )
    assert (await provider.complete(HELLO)).attempts == 3


async def test_a_share_of_conversations_fails_the_same_way_every_time(scripted):
    failures = [{"kind": "content_filtered", "share": 0.3, "seed": 7}]
    provider = scripted(default="x", failures=failures)

    async def failing():
        failed = set()
        for number in range(200):
            try:
                await provider.complete([Message("user", str(number))])
            except ProviderError:
                failed.add(number)
        return failed

    once = await failing()
    assert once == await failing()
    assert 40 <= len(once) <= 80  # 60 expected, standard deviation 6.5


async def test_a_planned_cut_happens_in_the_middle_of_the_stream(scripted):
    provider = scripted(
        default="abcdefgh", chunk_characters=2, failures=[{"kind": "stream_cut", "every": 1}]
    )
    seen = []
    with pytest.raises(ProviderError) as caught:
        await read_texts(provider.stream(HELLO), seen)
    assert (seen, caught.value.kind) == (["ab", "cd"], FailureKind.STREAM_CUT)


@pytest.mark.parametrize(
    ("failure", "message"),
    [
        ({"kind": "server_error"}, "exactly one of on_calls"),
        ({"every": 2, "share": 0.5}, "exactly one of on_calls"),
        ({"often": 2}, "unknown often"),
        ({"kind": "gremlins", "every": 2}, "gremlins"),
    ],
)
def test_a_failure_planned_wrongly_is_refused(scripted, failure, message):
    with pytest.raises(ValueError, match=message):
        scripted(default="x", failures=[failure])
