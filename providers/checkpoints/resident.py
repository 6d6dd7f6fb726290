"""Models that stay in memory: one thread each, shared by everybody in the process who asks.

A thread takes what has arrived, forms a batch, runs it, and looks again; meanwhile callers wait
without holding up their event loop. A model that nobody asks for a while gives its memory back.
"""

from __future__ import annotations

import gc
import logging
import os
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import torch

from providers.base import Completion, FailureKind, ProviderError
from providers.checkpoints.encoding import encode
from providers.checkpoints.generating import generate_batch
from providers.checkpoints.jobs import Job, next_batch
from providers.checkpoints.loading import LoadedCheckpoint, load_checkpoint
from providers.checkpoints.scoring import score_batch
from providers.checkpoints.spec import CheckpointSpec
from providers.checkpoints.weights import CheckpointError

logger = logging.getLogger(__name__)

# of the context that a decoded row may come to fill, so many tokens for one of a forward pass
DECODED_PER_BATCH_TOKEN = 4
REFUSED_S = 10.0

Load = Callable[[CheckpointSpec], LoadedCheckpoint]


@dataclass(slots=True)
class Resident:
    """One model's thread, its waiting jobs and what it has done so far."""

    spec: CheckpointSpec
    load: Load = load_checkpoint
    arrived: queue.Queue[Job] = field(default_factory=queue.Queue)
    waiting: list[Job] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)
    is_over: bool = False
    refusal: tuple[FailureKind, str] | None = None
    refused_until: float = 0.0
    guard: threading.Lock = field(default_factory=threading.Lock)
    thread: threading.Thread | None = None

    def submit(self, job: Job) -> bool:
        """Take a job; False when the thread has just given its model back."""
        with self.guard:
            if self.refusal is not None and time.monotonic() < self.refused_until:
                job.fail(_refused(self.refusal))
                return True
            if self.is_over:
                return False
            self.arrived.put(job)
            if self.thread is None:
                name = f"model {self.spec.checkpoint}"[:60]
                self.thread = threading.Thread(target=self._run, name=name, daemon=True)
                self.thread.start()
            return True

    def _run(self) -> None:
        try:
            loaded = self.load(self.spec)
        except CheckpointError as error:
            self._refuse(error)
            return
        except Exception as error:  # the border around loading: every waiting job is told
            logger.exception("%s was not loaded", self.spec.checkpoint)
            self._refuse(error)
            return
        while self._take():
            self._work(loaded)

    def _refuse(self, error: Exception) -> None:
        """Tell all who wait; whoever asks soon after is told the same without another try."""
        is_ours = isinstance(error, CheckpointError)
        kind = FailureKind.NOT_FOUND if is_ours else FailureKind.SERVER_ERROR
        refusal = (kind, str(error))
        with self.guard:
            self.is_over, self.refusal = True, refusal
            self.refused_until = time.monotonic() + REFUSED_S
        while not self.arrived.empty():
            self.arrived.get().fail(_refused(refusal))

    def _take(self) -> bool:
        """Move what has arrived to those that wait; False when the model is to be given back."""
        try:
            if not self.waiting:
                self.waiting.append(self.arrived.get(timeout=self.spec.idle_s))
        except queue.Empty:
            with self.guard:
                self.is_over = self.arrived.empty()
            return not self.is_over
        while not self.arrived.empty():
            self.waiting.append(self.arrived.get())
        return True

    def _work(self, loaded: LoadedCheckpoint) -> None:
        self.waiting = [job for job in self.waiting if job.ids or _is_encoded(loaded, job)]
        self.waiting = [job for job in self.waiting if not job.is_cancelled]
        if not self.waiting:
            return
        tokens = loaded.batch_tokens * (1 if loaded.is_scoring else DECODED_PER_BATCH_TOKEN)
        batch = next_batch(
            self.waiting, tokens=tokens, rows=loaded.batch_rows, padding=loaded.padding
        )
        chosen = set(map(id, batch))
        self.waiting = [job for job in self.waiting if id(job) not in chosen]
        try:
            _run_batch(loaded, batch)
            self.batches.append(len(batch))
        except torch.OutOfMemoryError as error:
            self._retry_smaller(loaded, batch, error)
        except Exception as error:  # the border around one batch: kept on each job's row
            logger.exception("a batch of %d failed in %s", len(batch), self.spec.checkpoint)
            for job in batch:
                job.fail(
                    ProviderError(FailureKind.SERVER_ERROR, f"{type(error).__name__}: {error}")
                )

    def _retry_smaller(
        self, loaded: LoadedCheckpoint, batch: list[Job], error: torch.OutOfMemoryError
    ) -> None:
        torch.cuda.empty_cache()
        if len(batch) == 1:
            batch[0].fail(ProviderError(FailureKind.CONTEXT_TOO_LONG, f"out of memory: {error}"))
            return
        loaded.batch_rows = max(len(batch) // 2, 1)
        self.waiting = [job for job in batch if not job.future.done()] + self.waiting


def _refused(refusal: tuple[FailureKind, str]) -> ProviderError:
    return ProviderError(*refusal, is_retryable=False)


def _is_encoded(loaded: LoadedCheckpoint, job: Job) -> bool:
    try:
        job.ids = encode(loaded, job.messages)
    except ProviderError as error:
        job.fail(error)
        return False
    except Exception as error:  # a template is a program; whatever it raises is told to the job
        logger.exception("%s cannot read a conversation", loaded.spec.checkpoint)
        job.fail(ProviderError(FailureKind.BAD_REQUEST, f"{type(error).__name__}: {error}"))
        return False
    return True


def _run_batch(loaded: LoadedCheckpoint, batch: list[Job]) -> None:
    began_at = time.monotonic()
    for job in batch:
        job.began_at = began_at
    if not loaded.is_scoring:
        generate_batch(loaded, batch)
        return
    scores = score_batch(loaded, [job.ids for job in batch])
    latency_s = time.monotonic() - began_at
    for job, score in zip(batch, scores, strict=True):
        job.give(
            Completion(
                text=repr(score),
                finish_reason="stop",
                input_tokens=len(job.ids),
                output_tokens=0,
                latency_s=latency_s,
                model=loaded.spec.checkpoint,
                is_usage_reported=True,
            )
        )


_residents: dict[CheckpointSpec, Resident] = {}
_guard = threading.Lock()
os.register_at_fork(after_in_child=_residents.clear)


def submit(spec: CheckpointSpec, job: Job) -> None:
    """Hand a job to the model's thread, which is started and loads the model when it is new."""
    while True:
        with _guard:
            resident = _residents.get(spec)
            if resident is None:
                _drop_finished()
                resident = _residents[spec] = Resident(spec)
        if resident.submit(job):
            return
        with _guard:
            if _residents.get(spec) is resident:
                del _residents[spec]


def _drop_finished() -> None:
    """Forget models that were given back, so that their memory is free for the next."""
    for spec in [spec for spec, resident in _residents.items() if resident.is_over]:
        del _residents[spec]
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
