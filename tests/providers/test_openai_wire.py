import pytest

from providers import (
    EndpointConfig,
    FailureKind,
    GenerationSettings,
    ImagePart,
    Message,
    ProviderError,
    ScoredToken,
    TextPart,
    TokenLogprob,
)
from providers.openai_wire import ReplyCollector, checked, parse_reply, request_body

HELLO = [Message("user", "hello")]


def body(generation=None, messages=HELLO, *, is_streaming=False, **config):
    return request_body(
        EndpointConfig(model="m", **config),
        messages,
        generation or GenerationSettings(),
        is_streaming=is_streaming,
    )


def collect(*events):
    reply = ReplyCollector()
    deltas = [delta for event in events if (delta := reply.add(event)) is not None]
    return reply, deltas


def delta_event(finish=None, **delta):
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def test_unset_settings_are_left_to_the_endpoint():
    assert body() == {"model": "m", "messages": [{"role": "user", "content": "hello"}]}


def test_all_settings_are_sent_under_their_names():
    settings = GenerationSettings(
        temperature=0.0,
        top_p=0.5,
        max_tokens=7,
        stop=("a",),
        seed=1,
        logprobs=True,
        top_logprobs=5,
        response_format={"type": "json_object"},
    )
    assert body(settings) == body() | {
        "temperature": 0.0,
        "top_p": 0.5,
        "max_tokens": 7,
        "stop": ["a"],
        "seed": 1,
        "logprobs": True,
        "top_logprobs": 5,
        "response_format": {"type": "json_object"},
    }


def test_reasoning_models_get_their_own_word_for_the_token_limit():
    sent = body(
        GenerationSettings(max_tokens=7), settings={"max_tokens_field": "max_completion_tokens"}
    )
    assert sent["max_completion_tokens"] == 7
    assert "max_tokens" not in sent


def test_what_the_endpoint_insists_on_wins_over_settings_and_none_removes_a_field():
    sent = body(
        GenerationSettings(temperature=0.0, top_p=0.5, extra={"top_k": 3}),
        extra_body={"temperature": None, "top_p": 1, "top_k": 1},
    )
    assert "temperature" not in sent
    assert sent["top_p"] == 1
    assert sent["top_k"] == 3


def test_images_are_sent_as_parts():
    message = Message("user", (TextPart("look"), ImagePart("data:image/png;base64,AA==")))
    assert body(messages=[message])["messages"][0]["content"] == [
        {"type": "text", "text": "look"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
    ]


def test_streaming_asks_for_usage_unless_the_endpoint_cannot():
    assert body(is_streaming=True)["stream_options"] == {"include_usage": True}
    assert "stream_options" not in body(is_streaming=True, settings={"include_usage": False})


def test_a_single_message_is_completed_as_it_stands():
    assert body(api="completions")["prompt"] == "hello"


def test_several_messages_become_a_transcript_for_the_completions_api():
    turns = [Message("system", "be kind"), Message("user", "hi")]
    sent = body(messages=turns, api="completions")
    assert sent["prompt"] == "System: be kind\n\nUser: hi\n\nAssistant:"


def test_the_completions_api_refuses_images_by_name():
    message = Message("user", (ImagePart("https://host/x.png"),))
    with pytest.raises(ProviderError, match="takes no images"):
        body(messages=[message], api="completions")


def test_the_completions_api_counts_logprobs_its_own_way():
    sent = body(GenerationSettings(logprobs=True, top_logprobs=5), api="completions")
    assert sent["logprobs"] == 5


def test_a_role_only_opener_is_no_delta():
    assert collect(delta_event(role="assistant", content=""))[1] == []


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
def test_reasoning_is_kept_apart_from_the_text_under_either_name(name):
    reply, deltas = collect(delta_event(**{name: "hm"}), delta_event(content="yes"))
    assert [(delta.text, delta.reasoning) for delta in deltas] == [("", "hm"), ("yes", "")]
    assert (reply.completion().text, reply.completion().reasoning) == ("yes", "hm")


def test_a_usage_only_last_event_is_counted():
    usage = {
        "prompt_tokens": 5,
        "completion_tokens": 9,
        "completion_tokens_details": {"reasoning_tokens": 4},
        "prompt_tokens_details": {"cached_tokens": 2},
    }
    reply, _ = collect(delta_event(content="x"), {"choices": [], "usage": usage})
    done = reply.completion()
    assert (done.input_tokens, done.output_tokens) == (5, 9)
    assert (done.reasoning_tokens, done.cached_tokens) == (4, 2)
    assert done.is_usage_reported


def test_missing_usage_is_unknown_rather_than_zero():
    done = collect(delta_event(content="x"), {"choices": [], "usage": None})[0].completion()
    assert done.input_tokens is None
    assert not done.is_usage_reported


def test_tool_call_deltas_are_passed_over():
    reply, deltas = collect(
        delta_event(tool_calls=[{"index": 0, "function": {"name": "f", "arguments": "{"}}]),
        delta_event(finish="tool_calls"),
    )
    assert deltas == []
    assert checked(reply.completion()).finish_reason == "tool_calls"


def test_azures_filter_results_before_the_first_choice_are_passed_over():
    assert collect({"choices": [], "prompt_filter_results": [{}]})[1] == []


def test_content_in_parts_is_joined_and_its_thinking_set_apart():
    parts = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
        {"type": "text", "text": "yes"},
    ]
    done = parse_reply({"choices": [{"message": {"content": parts}, "finish_reason": "stop"}]})
    assert (done.text, done.reasoning) == ("yes", "hm")


def test_a_refusal_is_what_the_model_said():
    message = {"content": None, "refusal": "I cannot help with that."}
    done = parse_reply({"choices": [{"message": message, "finish_reason": "stop"}]})
    assert done.text == "I cannot help with that."


def test_chat_logprobs_come_likeliest_first():
    tops = [{"token": "b", "logprob": -2.0}, {"token": "a", "logprob": -0.1}]
    content = [{"token": "a", "logprob": -0.1, "top_logprobs": tops}]
    done = parse_reply(
        {"choices": [{"message": {"content": "a"}, "logprobs": {"content": content}}]}
    )
    assert done.top_logprobs == ((TokenLogprob("a", -0.1), TokenLogprob("b", -2.0)),)


def test_completions_logprobs_are_read_too():
    done = parse_reply(
        {"choices": [{"text": "a", "logprobs": {"top_logprobs": [{"b": -2.0, "a": -0.1}]}}]}
    )
    assert done.top_logprobs == ((TokenLogprob("a", -0.1), TokenLogprob("b", -2.0)),)


def test_a_reply_without_choices_is_no_completion():
    with pytest.raises(ValueError, match="no choices"):
        parse_reply({"id": "x"})


def empty(finish_reason):
    return parse_reply(
        {
            "choices": [{"message": {"content": " "}, "finish_reason": finish_reason}],
            "usage": {"prompt_tokens": 3, "completion_tokens": 8},
        }
    )


@pytest.mark.parametrize(
    ("finish_reason", "kind", "is_retryable"),
    [
        ("stop", FailureKind.EMPTY_REPLY, True),
        ("length", FailureKind.EMPTY_REPLY, False),
        ("content_filter", FailureKind.CONTENT_FILTERED, False),
    ],
)
def test_an_empty_reply_is_a_failure_that_still_counts_its_tokens(
    finish_reason, kind, is_retryable
):
    with pytest.raises(ProviderError) as caught:
        checked(empty(finish_reason))
    assert (caught.value.kind, caught.value.is_retryable) == (kind, is_retryable)
    assert caught.value.partial.output_tokens == 8


def test_an_echoed_prompt_comes_with_every_tokens_own_probability():
    logprobs = {"tokens": ["The", " sky", "!"], "token_logprobs": [None, -2.0, -0.5],
                "top_logprobs": [None, {" sea": -1.0, " sky": -2.0}, {"!": -0.5}]}  # fmt: skip
    reply = parse_reply({"choices": [{"index": 0, "text": "The sky!", "logprobs": logprobs}]})
    assert reply.scored_tokens == (
        ScoredToken("The", None),
        ScoredToken(" sky", -2.0, is_likeliest=False),
        ScoredToken("!", -0.5),
    )
