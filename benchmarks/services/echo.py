"""Likelihoods from a completions endpoint that repeats the prompt with its log-probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from benchmarks.suites_base import RequestKind, Response, SampleRequest
from providers.base import (
    Completion,
    FailureKind,
    GenerationSettings,
    Message,
    Provider,
    ProviderError,
    ScoredToken,
)

NO_ECHO = (
    "the endpoint did not return log-probabilities of the prompt; it must support 'echo' with "
    "'logprobs' on /completions, otherwise use the protocol 'generation' or 'letters'"
)
SETTINGS = GenerationSettings(
    temperature=0.0, max_tokens=1, logprobs=True, top_logprobs=1, extra={"echo": True}
)


async def echoed_likelihood(provider: Provider, request: SampleRequest) -> Response:
    """Log-probability of the continuation (or of a whole text), read from the echoed prompt.

    The endpoint tokenises the joined text, so a token that crosses the boundary counts as part of
    the continuation; a text's first token has no log-probability and is left out.
    """
    prompt = request.context + request.continuation
    context = request.context if request.kind is RequestKind.LIKELIHOOD else ""
    whole = await _echo(provider, prompt)
    place = place_in_text(whole.scored_tokens, len(context), prompt)
    if place is None:
        # pieces of characters arrive as U+FFFD: the context's tokens have to be counted apart
        before = _prompt_tokens(await _echo(provider, context)) if context else 0
        place = slice(before, _prompt_tokens(whole))
    return likelihood_from(
        whole.scored_tokens[place],
        is_rolling=request.kind is not RequestKind.LIKELIHOOD,
        keeps_tokens=request.kind is RequestKind.TOKENS,
    )


async def _echo(provider: Provider, prompt: str) -> Completion:
    found = await provider.complete([Message("user", prompt)], SETTINGS)
    if not found.scored_tokens:
        raise ProviderError(FailureKind.BAD_REQUEST, NO_ECHO, is_retryable=False)
    return found


def _prompt_tokens(echoed: Completion) -> int:
    """All tokens but the generated one."""
    return len(echoed.scored_tokens) - (1 if echoed.output_tokens is None else echoed.output_tokens)


def place_in_text(tokens: Sequence[ScoredToken], boundary: int, prompt: str) -> slice | None:
    """Which tokens reach beyond character ``boundary`` of the prompt, and do not begin after it.

    Offsets that servers report are not used: vLLM counts a BOS token's name in them, SGLang sends
    -1. None where the tokens do not spell the prompt.
    """
    texts = [token.token for token in tokens]
    first = 1 if texts and texts[0] and not prompt.startswith(texts[0]) else 0
    if not "".join(texts[first:]).startswith(prompt):
        return None
    ends = list(accumulate(map(len, texts[first:])))
    start = sum(end <= boundary for end in ends)
    stop = sum(end < len(prompt) for end in ends) + 1
    return slice(first + start, first + stop)


def likelihood_from(
    tokens: Sequence[ScoredToken], *, is_rolling: bool = False, keeps_tokens: bool = False
) -> Response:
    """The sum over a text's tokens; raises ProviderError where none has a log-probability."""
    logprobs = tuple(token.logprob for token in tokens if token.logprob is not None)
    if not logprobs:
        raise ProviderError(FailureKind.BAD_REQUEST, NO_ECHO, is_retryable=False)
    return Response(
        logprob=sum(logprobs),
        is_greedy=all(token.is_likeliest for token in tokens),
        token_logprobs=logprobs if keeps_tokens else (),
        tokens=len(logprobs),
        is_rolling=is_rolling,
    )
