"""Getting responses: from a local model in large batches, or from an endpoint one by one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from benchmarks.engine.stops import split_reasoning
from benchmarks.suites_base import LIKELIHOOD_KINDS, RequestKind, Response, SampleRequest
from providers.base import FailureKind, GenerationSettings, Message, Provider, ProviderError

if TYPE_CHECKING:
    from benchmarks.engine.local import LocalEngine

# samples that go to the engine together: enough to share prefixes and to fill an accelerator, and
# no more than are answered in a while, for that is what a stop waits for and a crash loses
FIRST_BATCH, LEAST_BATCH, LARGEST_BATCH = 64, 32, 256
BATCH_S = 20.0
MOST_GROWTH = 4
TOP_LOGPROBS = 20
THINK_END = "</think>"
SETTLE_S = 0.002
NO_CANDIDATES = (
    "the endpoint did not return the candidates of the first token (top_logprobs); use the "
    "protocol 'generation'"
)


class Asker(Protocol):
    async def ask(self, requests: Sequence[SampleRequest]) -> list[Response]:
        """The responses to one sample's requests."""

    async def aclose(self) -> None:
        """Let go of threads and connections."""


class EngineSource(Protocol):
    def __call__(self) -> LocalEngine:
        """The loaded engine; the first call may take minutes."""


@dataclass(slots=True)
class _Waiting:
    requests: Sequence[SampleRequest]
    answer: asyncio.Future[list[Response]]


@dataclass(slots=True)
class LocalAsker:
    """Collects samples that are asked at once and runs them as one batch on the engine's thread.

    Loading happens on that thread too, so leases are renewed meanwhile. ``batch_size`` follows the
    time that batches take.
    """

    source: EngineSource
    clock: Callable[[], float] = time.monotonic
    batch_size: int = FIRST_BATCH
    waiting: list[_Waiting] = field(default_factory=list)
    flushing: asyncio.Task[None] | None = None
    pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "engine"))

    async def ask(self, requests: Sequence[SampleRequest]) -> list[Response]:
        answer: asyncio.Future[list[Response]] = asyncio.get_running_loop().create_future()
        self.waiting.append(_Waiting(requests, answer))
        if self.flushing is None or self.flushing.done():
            self.flushing = asyncio.create_task(self._flush())
        return await answer

    async def _flush(self) -> None:
        while self.waiting:
            count = -1
            while count != len(self.waiting) and len(self.waiting) < self.batch_size:
                count = len(self.waiting)
                await asyncio.sleep(SETTLE_S)
            size = self.batch_size
            batch, self.waiting = self.waiting[:size], self.waiting[size:]
            await self._run(batch)

    async def _run(self, batch: list[_Waiting]) -> None:
        flat = [request for waiting in batch for request in waiting.requests]
        loop = asyncio.get_running_loop()
        try:
            responses, took_s = await loop.run_in_executor(self.pool, self._respond, flat)
        except Exception as error:  # noqa: BLE001  # the border around the engine: told to the row
            if len(batch) > 1:
                # one of them is to blame; asked alone, the others get their answers
                for waiting in batch:
                    await self._run([waiting])
                return
            _refuse(batch[0], f"{type(error).__name__}: {error}")
            return
        self._resize(len(batch), took_s)
        found = iter(responses)
        for waiting in batch:
            answers = [next(found) for _ in waiting.requests]
            wrong = next((answer.error for answer in answers if answer.error), "")
            if wrong:
                _refuse(waiting, wrong)
            elif not waiting.answer.done():
                waiting.answer.set_result(answers)

    def _respond(self, requests: list[SampleRequest]) -> tuple[list[Response], float]:
        engine = self.source()  # loading is not what a batch takes
        began = self.clock()
        return respond(engine, requests), self.clock() - began

    def _resize(self, samples: int, took_s: float) -> None:
        """As many samples as are answered in ``BATCH_S``, by the batch that has just been."""
        wanted = int(samples * BATCH_S / took_s) if took_s > 0 else LARGEST_BATCH
        largest = min(LARGEST_BATCH, MOST_GROWTH * self.batch_size)
        self.batch_size = max(min(wanted, largest), LEAST_BATCH)

    async def aclose(self) -> None:
        if self.flushing is not None:
            self.flushing.cancel()
            await asyncio.gather(self.flushing, return_exceptions=True)
        self.pool.shutdown(wait=True)


def _refuse(waiting: _Waiting, reason: str) -> None:
    if not waiting.answer.done():
        failure = ProviderError(FailureKind.BAD_REQUEST, reason, is_retryable=False)
        waiting.answer.set_exception(failure)


def respond(engine: LocalEngine, requests: Sequence[SampleRequest]) -> list[Response]:
    """Responses of a local engine to requests of any kinds, in order."""
    from benchmarks.engine.responding import ANSWERERS

    found: dict[int, Response] = {}
    for kind, answer in ANSWERERS.items():
        places = [i for i, request in enumerate(requests) if request.kind is kind]
        if places:
            answers = answer(engine, [requests[place] for place in places])
            found |= dict(zip(places, answers, strict=True))
    return [found[place] for place in range(len(requests))]


@dataclass(slots=True)
class EndpointAsker:
    """One call per request, within the provider's own limits."""

    provider: Provider

    async def ask(self, requests: Sequence[SampleRequest]) -> list[Response]:
        return list(await asyncio.gather(*(self._ask(request) for request in requests)))

    async def _ask(self, request: SampleRequest) -> Response:
        if request.kind in LIKELIHOOD_KINDS:
            from benchmarks.services.echo import echoed_likelihood

            return await echoed_likelihood(self.provider, request)
        messages = [Message(m["role"], m["content"]) for m in request.messages]  # type: ignore[arg-type]  # roles are checked by Message
        if not messages:
            messages = [Message("user", request.context)]
        completion = await self.provider.complete(messages, _settings(request))
        if request.kind is RequestKind.LETTERS and not completion.top_logprobs:
            raise ProviderError(FailureKind.BAD_REQUEST, NO_CANDIDATES, is_retryable=False)
        text, reasoning = completion.text, completion.reasoning
        if not reasoning:
            # servers without a reasoning parser leave the thinking in the text
            reasoning, text = split_reasoning(text, THINK_END)
        return Response(
            text=text,
            reasoning=reasoning,
            finish_reason=completion.finish_reason,
            tokens=completion.output_tokens or 0,
            letters=_letters(request, completion.top_logprobs),
        )

    async def aclose(self) -> None:
        await self.provider.aclose()


def _settings(request: SampleRequest) -> GenerationSettings:
    if request.kind is RequestKind.LETTERS:
        return GenerationSettings(
            temperature=0.0, max_tokens=1, logprobs=True, top_logprobs=TOP_LOGPROBS
        )
    decoding = dict(request.decoding)
    return GenerationSettings(
        temperature=decoding.get("temperature"),
        top_p=decoding.get("top_p"),
        max_tokens=decoding.get("max_tokens"),
        stop=tuple(decoding.get("stop") or ())[:4],  # the most that OpenAI's interface takes
        seed=decoding.get("seed"),
    )


def _letters(request: SampleRequest, top: Sequence[Sequence[object]]) -> dict[str, float]:
    """Log-probability of each letter among the first token's candidates; the likeliest spelling."""
    found: dict[str, float] = {}
    for candidate in top[0] if top and request.letters else ():
        token = str(getattr(candidate, "token", "")).strip().upper()
        logprob = float(getattr(candidate, "logprob", float("-inf")))
        if token in request.letters:
            found[token] = max(found.get(token, float("-inf")), logprob)
    return found
