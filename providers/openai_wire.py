"""The OpenAI protocol as data: request bodies out of messages, completions out of replies."""

from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import Any, TypeAlias

from providers.base import (
    Completion,
    Delta,
    EndpointConfig,
    FailureKind,
    GenerationSettings,
    ImagePart,
    Message,
    ProviderError,
    ScoredToken,
    TokenLogprob,
)

JsonObject: TypeAlias = dict[str, Any]  # what an endpoint sends is checked field by field
TokenLogprobs: TypeAlias = tuple[tuple[TokenLogprob, ...], ...]
TRANSCRIPT_NAMES = {
    "system": "System",
    "developer": "System",
    "user": "User",
    "assistant": "Assistant",
}


def request_body(
    config: EndpointConfig,
    messages: Sequence[Message],
    settings: GenerationSettings,
    *,
    is_streaming: bool,
) -> JsonObject:
    """The JSON to post.

    The endpoint's ``extra_body`` wins over the named settings, since it states what the endpoint
    insists on, and ``settings.extra`` wins over both. A ``None`` in either removes the field.
    """
    body: JsonObject = {"model": config.model}
    if config.api == "chat":
        body["messages"] = [_message(message) for message in messages]
    else:
        body["prompt"] = transcript(messages)
    body.update(_named_settings(config, settings))
    if is_streaming:
        body["stream"] = True
        if config.settings.get("include_usage", True):
            body["stream_options"] = {"include_usage": True}
    if config.extra_body or settings.extra:
        body |= {**config.extra_body, **settings.extra}
        return {name: value for name, value in body.items() if value is not None}
    return body


def transcript(messages: Sequence[Message]) -> str:
    """One prompt for an endpoint that only continues text.

    A single message is sent as it stands, so that base models and own templates work; several
    become ``Name: text`` paragraphs that end where the assistant would begin.
    """
    if any(message.images for message in messages):
        raise ProviderError(
            FailureKind.BAD_REQUEST,
            "a text completion endpoint takes no images; set the endpoint's api to 'chat'",
        )
    if len(messages) == 1:
        return messages[0].text
    turns = [f"{TRANSCRIPT_NAMES[message.role]}: {message.text}" for message in messages]
    return "\n\n".join([*turns, "Assistant:"])


def _message(message: Message) -> JsonObject:
    if isinstance(message.content, str):
        return {"role": message.role, "content": message.content}
    parts = [
        {"type": "image_url", "image_url": {"url": part.url}}
        if isinstance(part, ImagePart)
        else {"type": "text", "text": part.text}
        for part in message.content
    ]
    return {"role": message.role, "content": parts}


def _named_settings(config: EndpointConfig, settings: GenerationSettings) -> JsonObject:
    named: JsonObject = {}
    if settings.temperature is not None:
        named["temperature"] = settings.temperature
    if settings.top_p is not None:
        named["top_p"] = settings.top_p
    if settings.max_tokens is not None:
        named[config.settings.get("max_tokens_field", "max_tokens")] = settings.max_tokens
    if settings.stop:
        named["stop"] = list(settings.stop)
    if settings.seed is not None:
        named["seed"] = settings.seed
    if settings.response_format is not None:
        named["response_format"] = dict(settings.response_format)
    if settings.logprobs or settings.top_logprobs is not None:
        named |= _logprob_settings(config.api, settings.top_logprobs)
    return named


def _logprob_settings(api: str, top_logprobs: int | None) -> JsonObject:
    if api == "completions":
        return {"logprobs": top_logprobs or 1}
    asked: JsonObject = {"logprobs": True}
    if top_logprobs is not None:
        asked["top_logprobs"] = top_logprobs
    return asked


def parse_reply(reply: JsonObject, *, latency_s: float = 0.0) -> Completion:
    """The completion in a whole reply of either API; raises ValueError when there is none."""
    collected = ReplyCollector()
    collected.add(reply, message_field="message")
    if not collected.has_choice:
        raise ValueError("the reply has no choices")
    return collected.completion(latency_s=latency_s)


class ReplyCollector:
    """Puts a reply together from the parsed events of a stream (or from one whole reply)."""

    def __init__(self) -> None:
        self.has_choice = False
        self.finish_reason = ""
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._logprobs: list[tuple[TokenLogprob, ...]] = []
        self._scored: list[ScoredToken] = []
        self._usage: JsonObject = {}
        self._model = ""

    def add(self, event: JsonObject, *, message_field: str = "delta") -> Delta | None:
        """Take one event; the delta, unless it brought neither text nor reasoning."""
        if usage := event.get("usage"):
            self._usage = _object(usage)
        self._model = self._model or _text(event.get("model"))
        choice = _first_choice(event.get("choices"))
        if choice is None:
            return None
        self.has_choice = True
        self.finish_reason = _text(choice.get("finish_reason")) or self.finish_reason
        if logprobs := choice.get("logprobs"):
            self._logprobs.extend(_logprobs(_object(logprobs)))
            self._scored.extend(_scored_tokens(_object(logprobs)))
        text, reasoning = _contents(choice, _object(choice.get(message_field)))
        if not text and not reasoning:
            return None
        self._text.append(text)
        self._reasoning.append(reasoning)
        return Delta(text, reasoning)

    def completion(self, *, latency_s: float = 0.0, ttft_s: float | None = None) -> Completion:
        """What has arrived so far."""
        usage = self._usage
        input_details = _object(usage.get("prompt_tokens_details"))
        output_details = _object(usage.get("completion_tokens_details"))
        input_tokens = _count(usage.get("prompt_tokens"))
        output_tokens = _count(usage.get("completion_tokens"))
        cached_tokens = _count(input_details.get("cached_tokens"))
        if cached_tokens is None:
            cached_tokens = _count(usage.get("prompt_cache_hit_tokens"))  # DeepSeek's name
        return Completion(
            text="".join(self._text),
            reasoning="".join(self._reasoning),
            finish_reason=self.finish_reason,
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            reasoning_tokens=_count(output_details.get("reasoning_tokens")),
            cached_tokens=cached_tokens,
            latency_s=latency_s,
            ttft_s=ttft_s,
            model=self._model,
            top_logprobs=tuple(self._logprobs),
            scored_tokens=tuple(self._scored),
            is_usage_reported=input_tokens is not None and output_tokens is not None,
        )


def checked(completion: Completion) -> Completion:
    """``completion``, or the failure it amounts to when no text came.

    An empty answer would be judged like an answer. Running out of tokens while reasoning is not
    worth a retry, which would cost the same again.
    """
    if completion.text.strip() or completion.finish_reason in ("tool_calls", "function_call"):
        return completion
    if completion.finish_reason == "content_filter":
        raise ProviderError(
            FailureKind.CONTENT_FILTERED,
            "the endpoint's content filter withheld the whole reply",
            partial=completion,
        )
    if completion.finish_reason == "length":
        raise ProviderError(
            FailureKind.EMPTY_REPLY,
            f"all {completion.output_tokens or 'allowed'} output tokens were spent before any "
            "text (on reasoning, as a rule); raise max_tokens",
            is_retryable=False,
            partial=completion,
        )
    raise ProviderError(FailureKind.EMPTY_REPLY, "the reply has no text", partial=completion)


def _first_choice(choices: object) -> JsonObject | None:
    if not isinstance(choices, list):
        return None
    for choice in choices:
        if isinstance(choice, dict) and not choice.get("index"):
            return choice
    return None


def _contents(choice: JsonObject, message: JsonObject) -> tuple[str, str]:
    """Text and reasoning: chat's message or delta, or the ``text`` of the completions API."""
    content = message.get("content")
    reasoning = _text(message.get("reasoning_content")) or _text(message.get("reasoning"))
    if isinstance(content, list):
        # Mistral sends parts, with the reasoning among them
        return _joined(content, "text"), reasoning + _thinking(content)
    text = _text(content) or _text(message.get("refusal")) or _text(choice.get("text"))
    return text, reasoning


def _joined(parts: Iterable[object], kind: str) -> str:
    return "".join(
        _text(part.get("text")) for part in parts if isinstance(part, dict) and kind in part
    )


def _thinking(parts: Iterable[object]) -> str:
    thoughts = [part.get("thinking") for part in parts if isinstance(part, dict)]
    return "".join(
        _joined(thought, "text") if isinstance(thought, list) else _text(thought)
        for thought in thoughts
    )


def _logprobs(logprobs: JsonObject) -> TokenLogprobs:
    content = logprobs.get("content")
    if isinstance(content, list):
        return tuple(_candidates(_object(position)) for position in content)
    tops = logprobs.get("top_logprobs")
    if not isinstance(tops, list):
        return ()
    return tuple(_likeliest_first(_object(top).items()) for top in tops)


def _scored_tokens(logprobs: JsonObject) -> Iterable[ScoredToken]:
    """The completions API's parallel lists; vLLM and OpenAI leave a text's first value out."""
    texts, values = logprobs.get("tokens"), logprobs.get("token_logprobs")
    if not isinstance(texts, list) or not isinstance(values, list):
        return
    tops = logprobs.get("top_logprobs")
    best = tops if isinstance(tops, list) else []
    for text, value, top in zip_longest(texts, values, best[: len(texts)]):
        logprob = float(value) if isinstance(value, int | float) else None
        rivals = [rival for rival in _object(top).values() if isinstance(rival, int | float)]
        yield ScoredToken(
            _text(text), logprob, logprob is None or logprob >= max(rivals, default=logprob)
        )


def _candidates(position: JsonObject) -> tuple[TokenLogprob, ...]:
    tops = position.get("top_logprobs") or [position]
    return _likeliest_first(
        (top.get("token"), top.get("logprob")) for top in tops if isinstance(top, dict)
    )


def _likeliest_first(pairs: Iterable[tuple[object, object]]) -> tuple[TokenLogprob, ...]:
    candidates = [
        TokenLogprob(_text(token), float(logprob))
        for token, logprob in pairs
        if isinstance(logprob, int | float)
    ]
    return tuple(sorted(candidates, key=lambda candidate: -candidate.logprob))


def _object(value: object) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and value >= 0 else None
