"""A checkpoint run in this process with transformers: no server, calls batched as they come.

A causal model continues the conversation. A sequence classifier, such as a reward model, replies
with its score of it: the text of the completion is the number. docs/providers.md lists the options.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from types import ModuleType

from providers import PROVIDERS
from providers.base import (
    Completion,
    CompletionStream,
    Delta,
    EndpointConfig,
    FailureKind,
    GenerationSettings,
    Message,
    ProviderContext,
    ProviderError,
)
from providers.calling import Caller, Parts
from providers.checkpoints.jobs import Job
from providers.checkpoints.spec import spec_of

DEFAULT_SETTINGS = GenerationSettings()
RESIDENT = "providers.checkpoints.resident"  # imports torch
_imported: list[ModuleType] = []


@PROVIDERS.register("transformers_local")
class LocalProvider:
    """Puts calls to the model's thread; the model is loaded at the first one and then stays."""

    def __init__(self, config: EndpointConfig, context: ProviderContext) -> None:
        self._config = config
        self._caller = Caller(config, context)

    @property
    def config(self) -> EndpointConfig:
        """What this provider was made from."""
        return self._config

    async def complete(
        self, messages: Sequence[Message], settings: GenerationSettings | None = None
    ) -> Completion:
        """The model's reply, or a classifier's score as text."""
        chosen = settings or DEFAULT_SETTINGS

        async def attempt() -> Completion:
            parts = [part async for part in self._parts(messages, chosen, is_shown=False)]
            return next(part for part in parts if isinstance(part, Completion))

        return await self._caller.complete(attempt, messages, chosen)

    def stream(
        self, messages: Sequence[Message], settings: GenerationSettings | None = None
    ) -> CompletionStream:
        """The reply token by token; a score comes in one piece."""
        chosen = settings or DEFAULT_SETTINGS
        return self._caller.stream(
            lambda: self._parts(messages, chosen, is_shown=True), messages, chosen
        )

    async def aclose(self) -> None:
        """Give the endpoint's slots back; the model stays for the next who asks."""
        await self._caller.aclose()

    async def _parts(
        self, messages: Sequence[Message], settings: GenerationSettings, *, is_shown: bool
    ) -> Parts:
        try:
            spec = spec_of(self._config)
            # the first import of torch takes seconds, in which other calls go on
            resident = await _resident_models()
        except (ValueError, ImportError) as error:
            raise ProviderError(FailureKind.BAD_REQUEST, _told(error)) from None
        loop = asyncio.get_running_loop()
        pieces: asyncio.Queue[Delta | None] = asyncio.Queue()

        def put(piece: Delta | None) -> None:
            with suppress(RuntimeError):  # the loop was closed, so nobody waits any more
                loop.call_soon_threadsafe(pieces.put_nowait, piece)

        job = Job(tuple(messages), settings, show=put if is_shown else None)
        job.future.add_done_callback(lambda _: put(None))
        resident.submit(spec, job)
        was_shown = False
        try:
            while (piece := await pieces.get()) is not None:
                was_shown = True
                yield piece
        finally:
            job.is_cancelled = True
        completion = job.future.result()
        if is_shown and not was_shown and completion.text:
            yield Delta(completion.text)
        yield completion


async def _resident_models() -> ModuleType:
    if not _imported:
        _imported.append(await asyncio.to_thread(import_module, RESIDENT))
    return _imported[0]


def _told(error: Exception) -> str:
    if isinstance(error, ImportError):
        return f"local models need the extra 'local' (pip install 'agon[local]'): {error}"
    return str(error)
