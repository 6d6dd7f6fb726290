"""Calls that go out through a Batch API and come back within a day, at half the price.

A row whose request is on its way is given back and looked at again later, so no worker waits for
hours and any process may die: which batch holds which request is stored before it is sent.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from django.db import connections

from judging.judges import JudgeRequest
from judging.models import JudgeBatch
from providers.base import Completion, FailureKind, ProviderError
from providers.openai_batch import BatchRequest, BatchStatus, OpenAIBatches

logger = logging.getLogger(__name__)
Value = TypeVar("Value")

COLLECT_S = 0.3  # requests that arrive within it go out together
POLL_S = 60.0
UNSENT = "unsent"  # of a batch that the endpoint never got
PRICE_SHARE = 0.5  # OpenAI's discount


@dataclass(slots=True)
class _Sent:
    """A batch as this process knows it."""

    pk: int
    model_name: str
    label: str
    batch_id: str
    state: str
    problem: str
    polled_at: float = float("-inf")
    is_read: bool = False
    polling: asyncio.Task[None] | None = None


@dataclass(slots=True)
class BatchDesk:
    """Takes requests and gives replies; raises BATCH_PENDING for what is on its way.

    ``client_of`` gives the Batch API of a model by the name that requests use for it. A closed desk
    sends nothing.
    """

    run_id: int
    client_of: Callable[[str], OpenAIBatches]
    poll_s: float = POLL_S
    is_closed: bool = False
    batches: dict[int, _Sent] = field(default_factory=dict)
    batch_of: dict[str, int] = field(default_factory=dict)
    replies: dict[str, Completion] = field(default_factory=dict)
    failures: dict[str, ProviderError] = field(default_factory=dict)
    outgoing: dict[str, dict[str, JudgeRequest]] = field(default_factory=dict)
    payers: dict[str, int] = field(default_factory=dict)
    sending: asyncio.Task[None] | None = None

    def load(self) -> None:
        """Read which requests are on their way; called where queries are made."""
        rows = JudgeBatch.objects.filter(run_id=self.run_id).exclude(pk__in=list(self.batches))
        for row in rows.order_by("id"):
            self.batches[row.pk] = _Sent(
                row.pk, row.model_name, row.label, row.batch_id, row.state, row.problem
            )
            self.batch_of |= dict.fromkeys(row.keys, row.pk)  # a later batch was sent for a reason

    def is_first(self, key: str, payer: int) -> bool:
        """Whether ``payer`` is the row that a request is billed to."""
        return self.payers.setdefault(key, payer) == payer

    def note_payer(self, payer: int, keys: Iterable[str]) -> None:
        """The row ``payer`` has been billed for ``keys`` in an earlier attempt."""
        for key in keys:
            self.is_first(key, payer)

    async def reply(self, key: str, request: JudgeRequest) -> Completion:
        """The reply, if its batch is finished; otherwise it is sent, and BATCH_PENDING raised."""
        if key not in self.replies and key not in self.failures and key in self.batch_of:
            await self._poll(self.batches[self.batch_of[key]])
        if key in self.replies:
            return self.replies[key]
        if key in self.failures:
            self.batch_of.pop(key, None)  # a further attempt is sent anew
            raise self.failures.pop(key)
        if key not in self.batch_of and not self.is_closed:
            await self._send_soon(key, request)
        raise self._pending()

    def _pending(self) -> ProviderError:
        return ProviderError(
            FailureKind.BATCH_PENDING,
            "the request is in a batch that the endpoint has not finished",
            retry_after_s=self.poll_s,
        )

    # -- sending ----------------------------------------------------------------------------

    async def _send_soon(self, key: str, request: JudgeRequest) -> None:
        self.outgoing.setdefault(request.endpoint, {})[key] = request
        if self.sending is None:
            self.sending = asyncio.create_task(self._send())
        await asyncio.shield(self.sending)

    async def _send(self) -> None:
        await asyncio.sleep(COLLECT_S)
        outgoing, self.outgoing, self.sending = self.outgoing, {}, None
        for name, requests in outgoing.items():
            await self._send_batch(name, requests)

    async def _send_batch(self, name: str, requests: dict[str, JudgeRequest]) -> None:
        label = f"agon-{uuid.uuid4().hex}"
        keys = list(requests)
        pk = await _in_thread(lambda: self._store(name, label, keys))
        try:
            batch_id = await self.client_of(name).submit(
                (BatchRequest(key, r.messages, r.settings) for key, r in requests.items()),
                label=label,
            )
        except (ProviderError, ValueError) as error:
            problem = str(error)
            await _in_thread(lambda: self._update(pk, state=UNSENT, problem=problem, keys=[]))
            if isinstance(error, ProviderError):
                raise
            raise ProviderError(FailureKind.BAD_REQUEST, problem) from error
        await _in_thread(lambda: self._update(pk, batch_id=batch_id))
        self.batches[pk] = _Sent(pk, name, label, batch_id, "", "", polled_at=_now())
        self.batch_of |= dict.fromkeys(keys, pk)

    def _store(self, name: str, label: str, keys: list[str]) -> int:
        row = JudgeBatch.objects.create(run_id=self.run_id, model_name=name, label=label, keys=keys)
        return row.pk

    def _update(self, pk: int, **columns: object) -> None:
        JudgeBatch.objects.filter(pk=pk).update(**columns)

    # -- receiving --------------------------------------------------------------------------

    async def _poll(self, batch: _Sent) -> None:
        """Ask how far the batch is, once for all who wait for it and not too often."""
        if batch.is_read or _now() - batch.polled_at < self.poll_s:
            return
        if batch.polling is None:
            batch.polling = asyncio.create_task(self._look_at(batch))
        try:
            await asyncio.shield(batch.polling)
        finally:
            if batch.polling is not None and batch.polling.done():
                batch.polling = None

    async def read_all(self) -> None:
        """Read every batch that the endpoint has finished; raises ProviderError."""
        for batch in list(self.batches.values()):
            if not batch.is_read and batch.state != UNSENT:
                await self._look_at(batch)

    async def _look_at(self, batch: _Sent) -> None:
        client = self.client_of(batch.model_name)
        if not batch.batch_id:
            await self._find_again(batch, client)
            if not batch.batch_id:
                return
        status = await client.status(batch.batch_id)
        batch.polled_at = _now()
        if status.state != batch.state:
            batch.state, batch.problem = status.state, status.problem
            columns = {"state": status.state, "problem": status.problem}
            await _in_thread(lambda: self._update(batch.pk, **columns))
        if status.is_finished:
            await self._read(batch, client, status)

    async def _find_again(self, batch: _Sent, client: OpenAIBatches) -> None:
        """A process died while it sent this: either the endpoint has it, or it goes out again."""
        found = await client.find(batch.label)
        if found is None:
            logger.warning("batch %s never arrived; its requests are sent again", batch.label)
            self._forget(batch)
            return
        batch.batch_id = found
        await _in_thread(lambda: self._update(batch.pk, batch_id=found))

    async def _read(self, batch: _Sent, client: OpenAIBatches, status: BatchStatus) -> None:
        own = {key for key, pk in self.batch_of.items() if pk == batch.pk}
        if status.state == "failed":
            problem = status.problem or "the endpoint refused the batch"
            for key in own:
                self.failures[key] = ProviderError(FailureKind.BAD_REQUEST, problem)
        else:
            async for outcome in client.results(batch.batch_id):
                if outcome.custom_id in own:
                    self._keep(outcome.custom_id, outcome.completion, outcome.error)
        batch.is_read = True
        # what an expired batch never reached is sent again
        self._forget(batch)

    def _keep(self, key: str, completion: Completion | None, error: ProviderError | None) -> None:
        if completion is not None:
            self.replies[key] = completion
        else:
            self.failures[key] = error or ProviderError(
                FailureKind.MALFORMED_REPLY, "the batch holds neither a reply nor an error"
            )

    def _forget(self, batch: _Sent) -> None:
        gone = [
            key
            for key, pk in self.batch_of.items()
            if pk == batch.pk and key not in self.replies and key not in self.failures
        ]
        for key in gone:
            del self.batch_of[key]


def requests_in(batches: Iterable[JudgeBatch]) -> int:
    """How many requests went out in batches."""
    return sum(len(batch.keys) for batch in batches)


def _now() -> float:
    return asyncio.get_running_loop().time()


async def _in_thread(call: Callable[[], Value]) -> Value:
    """A query outside the event loop, on a connection that is closed with it."""

    def run() -> Value:
        try:
            return call()
        finally:
            connections.close_all()

    return await asyncio.to_thread(run)
