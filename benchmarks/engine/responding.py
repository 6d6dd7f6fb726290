"""A local engine's answers in the form that rows keep."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from benchmarks.engine.local import LocalEngine
from benchmarks.engine.requests import (
    Decoding,
    GenerationRequest,
    Likelihood,
    LikelihoodRequest,
    RollingRequest,
)
from benchmarks.suites_base import RequestKind, Response, SampleRequest

Answerer = Callable[[LocalEngine, Sequence[SampleRequest]], list[Response]]


def _likelihoods(engine: LocalEngine, requests: Sequence[SampleRequest]) -> list[Response]:
    pairs = [LikelihoodRequest(request.context, request.continuation) for request in requests]
    return [_likelihood_response(found) for found in engine.likelihoods(pairs)]


def _likelihood_response(found: Likelihood) -> Response:
    if found.error:
        return Response(error=found.error)
    return Response(
        logprob=found.logprob,
        is_greedy=found.is_greedy,
        tokens=len(found.token_logprobs),
        is_prompt_cut=found.is_truncated,
        is_boundary_merge=found.is_boundary_merge,
    )


def _rolling(engine: LocalEngine, requests: Sequence[SampleRequest]) -> list[Response]:
    found = engine.rolling([RollingRequest(request.context) for request in requests])
    return [Response(logprob=f.logprob, tokens=f.tokens, is_rolling=True) for f in found]


def _tokens(engine: LocalEngine, requests: Sequence[SampleRequest]) -> list[Response]:
    found = engine.rolling([RollingRequest(request.context) for request in requests])
    return [
        Response(f.logprob, tokens=f.tokens, token_logprobs=f.token_logprobs, is_rolling=True)
        for f in found
    ]


def _generations(engine: LocalEngine, requests: Sequence[SampleRequest]) -> list[Response]:
    seen: dict[str, int] = {}
    asked = []
    for request in requests:
        number = seen.setdefault(request.context, 0)
        seen[request.context] += 1
        decoding = decoding_from(request, engine.loaded.spec.think_end)
        asked.append(GenerationRequest(request.context, decoding, number))
    return [
        Response(
            text=made.text,
            reasoning=made.reasoning,
            finish_reason=made.finish_reason,
            tokens=made.output_tokens,
            is_prompt_cut=made.is_truncated,
        )
        for made in engine.generate(asked)
    ]


def decoding_from(request: SampleRequest, think_end: str) -> Decoding:
    values = request.decoding
    return Decoding(
        max_tokens=int(values.get("max_tokens") or 256),
        stop=tuple(values.get("stop") or ()),
        temperature=float(values.get("temperature") or 0.0),
        top_p=float(values.get("top_p") or 1.0),
        top_k=int(values.get("top_k") or 0),
        seed=values.get("seed"),
        think_end=think_end,
    )


def _letters(engine: LocalEngine, requests: Sequence[SampleRequest]) -> list[Response]:
    """Exact log-probabilities of each letter as the next text."""
    pairs = [LikelihoodRequest(r.context, letter) for r in requests for letter in r.letters]
    found = iter(engine.likelihoods(pairs))
    return [
        Response(letters={letter: next(found).logprob for letter in r.letters}) for r in requests
    ]


ANSWERERS: dict[RequestKind, Answerer] = {
    RequestKind.LIKELIHOOD: _likelihoods,
    RequestKind.ROLLING: _rolling,
    RequestKind.GENERATION: _generations,
    RequestKind.LETTERS: _letters,
    RequestKind.TOKENS: _tokens,
}
