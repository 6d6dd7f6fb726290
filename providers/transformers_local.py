"""A checkpoint run in this process with transformers: no server, calls batched as they come.

A causal model continues the conversation. A sequence classifier, such as a reward model, replies
with its score of it: the text of the completion is the number. docs/providers.md lists the options.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
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
from providers.calling import CallingProvider, Parts
from providers.checkpoints.jobs import Job
from providers.checkpoints.mailbox import Mailbox
from providers.checkpoints.spec import CheckpointSpec, spec_of

DEFAULT_SETTINGS = GenerationSettings()
RESIDENT = "providers.checkpoints.resident"  # imports torch
_imported: list[ModuleType] = []


@PROVIDERS.register("transformers_local")
class LocalProvider(CallingProvider):
    """Puts calls to the model's thread; the model is loaded at the first one and then stays,
    for whoever asks next.
    """

    def __init__(self, config: EndpointConfig, context: ProviderContext) -> None:
        super().__init__(config, context)
        self._spec: CheckpointSpec | None = None
        self._letters: Mailbox | None = None

    async def complete(
        self, messages: Sequence[Message], settings: GenerationSettings | None = None
    ) -> Completion:
        """The model's reply, or a classifier's score as text."""
        chosen = settings or DEFAULT_SETTINGS

        async def attempt() -> Completion:
            job = Job(tuple(messages), chosen)
            replied: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            await self._submit(job, lambda: _end(replied))
            try:
                await replied
            finally:
                job.is_cancelled = True
            return job.future.result()

        return await self._caller.complete(attempt, messages, chosen)

    def stream(
        self, messages: Sequence[Message], settings: GenerationSettings | None = None
    ) -> CompletionStream:
        """The reply token by token; a score comes in one piece."""
        chosen = settings or DEFAULT_SETTINGS
        return self._caller.stream(lambda: self._parts(messages, chosen), messages, chosen)

    async def _parts(self, messages: Sequence[Message], settings: GenerationSettings) -> Parts:
        pieces: asyncio.Queue[Delta | None] = asyncio.Queue()
        mailbox = self._mailbox()
        job = Job(
            tuple(messages),
            settings,
            show=lambda piece: mailbox.post(lambda: pieces.put_nowait(piece)),
        )
        await self._submit(job, lambda: pieces.put_nowait(None))
        was_shown = False
        try:
            while (piece := await pieces.get()) is not None:
                was_shown = True
                yield piece
        finally:
            job.is_cancelled = True
        completion = job.future.result()
        if not was_shown and completion.text:
            yield Delta(completion.text)
        yield completion

    async def _submit(self, job: Job, ended: Callable[[], object]) -> None:
        """Hand the job to its model's thread; ``ended`` is called here when it has come to an end.

        Raises ProviderError for options that do not hold.
        """
        try:
            self._spec = self._spec or spec_of(self._config)
            # the first import of torch takes seconds, in which other calls go on
            resident = await _resident_models()
        except (ValueError, ImportError) as error:
            raise ProviderError(FailureKind.BAD_REQUEST, _told(error)) from None
        mailbox = self._mailbox()
        job.future.add_done_callback(lambda _: mailbox.post(ended))
        resident.submit(self._spec, job)

    def _mailbox(self) -> Mailbox:
        """The running loop's."""
        loop = asyncio.get_running_loop()
        if self._letters is None or self._letters.loop is not loop:
            self._letters = Mailbox(loop)
        return self._letters


async def _resident_models() -> ModuleType:
    if not _imported:
        _imported.append(await asyncio.to_thread(import_module, RESIDENT))
    return _imported[0]


def _end(waiting: asyncio.Future[None]) -> None:
    if not waiting.done():
        waiting.set_result(None)


def _told(error: Exception) -> str:
    if isinstance(error, ImportError):
        return f"local models need the extra 'local' (pip install 'agon[local]'): {error}"
    return str(error)
