"""Driving a run's rows: claim, perform concurrently, store each result as it arrives.

One thread does all database work of a driver, so that SQLite sees one writer and asyncio never
waits for a query. Rows are claimed ahead in chunks, results are stored in batches of what has
arrived meanwhile; the update is conditional on the lease, so a worker that was thought dead
cannot overwrite its successor's row.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import logging
import random
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from django.db import connections, transaction
from django.utils import timezone

from arena.models import Run, RunStatus, WorkStatus
from arena.work.kinds import Claimed, Workload
from arena.work.owner import process_owner
from arena.work.storing import update_rows
from providers.base import FailureKind, ProviderError

logger = logging.getLogger(__name__)
# results that come one by one are stored together: a statement's own cost is that of ten rows
GATHER_S = 0.01
AHEAD_S = 0.2  # rows that start within it are ready, so that a slow claim leaves no call unmade
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class DriveOptions:
    """Seconds throughout. ``max_s`` ends a chunk so that other runs get their turn.

    ``gives_way`` is asked at every poll, on the thread of the database: True ends the chunk at
    once, and what is in flight is finished. ``worked_on`` is the status that the run must have.
    """

    lease_s: float = 60.0
    poll_s: float = 0.4
    max_s: float | None = 120.0
    max_attempts: int = 3
    retry_base_s: float = 2.0
    retry_cap_s: float = 60.0
    wait_s: float = 20.0
    gives_way: Callable[[], bool] | None = None
    worked_on: RunStatus = RunStatus.ACTIVE


@dataclass(slots=True)
class DriveReport:
    """What a driver did; ``is_drained`` says that nothing was left that could be claimed."""

    done: int = 0
    failed: int = 0
    retried: int = 0
    lost: int = 0
    is_drained: bool = False
    was_stopped: bool = False


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an item failed, as stored on its row."""

    kind: str
    detail: str
    is_retryable: bool = False
    retry_after_s: float | None = None

    @property
    def was_attempted(self) -> bool:
        """False when the endpoint told us to come back later: the row keeps its attempts."""
        is_sent_away = self.kind == FailureKind.RATE_LIMITED and self.retry_after_s is not None
        is_early = self.kind in (FailureKind.CIRCUIT_OPEN, FailureKind.BATCH_PENDING)
        return not (is_sent_away or is_early)


@dataclass(frozen=True, slots=True)
class _Finished:
    item: Claimed
    result: Any = None  # each workload has its own class of results
    failure: Failure | None = None


@dataclass(slots=True)
class _Driver:
    run: Run
    workload: Workload
    options: DriveOptions
    owner: str
    report: DriveReport = field(default_factory=DriveReport)
    waiting: deque[Claimed] = field(default_factory=deque)
    tasks: dict[asyncio.Task[_Finished], Claimed] = field(default_factory=dict)
    finished: list[_Finished] = field(default_factory=list)
    storing: int = 0  # of what has finished, how many are on their way into the database
    pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "rows"))
    random: random.Random = field(default_factory=random.Random)
    progressed: asyncio.Event = field(default_factory=asyncio.Event)
    is_starting: bool = True
    claim_again_at: float = 0.0
    started: float = field(default_factory=time.monotonic)

    async def in_database(self, call: Callable[[], Value]) -> Value:
        return await asyncio.get_running_loop().run_in_executor(self.pool, call)

    # -- claiming ---------------------------------------------------------------------------

    def ahead(self) -> int:
        """Rows to hold ready: one round of calls, up to two where calls are quick."""
        since_s = time.monotonic() - self.started
        soon = int(AHEAD_S * (self.report.done + self.report.failed) / max(since_s, AHEAD_S))
        return min(max(soon, self.workload.in_flight), 2 * self.workload.in_flight)

    def claim(self) -> Sequence[Claimed]:
        limit = max(self.workload.in_flight + self.ahead() - len(self.waiting), 1)
        ids = self.run.items().claim(limit=limit, owner=self.owner, lease_s=self.options.lease_s)
        return self.workload.load(ids) if ids else []

    def is_still_active(self) -> bool:
        runs = type(self.run)._default_manager
        return runs.filter(pk=self.run.pk, status=self.options.worked_on).exists()

    def renew(self, ids: list[int]) -> None:
        self.run.items().renew(ids=ids, owner=self.owner, lease_s=self.options.lease_s)

    def seconds_until_due(self) -> float | None:
        """Until the next postponed row may be claimed; None when no row is postponed."""
        pending = self.run.items().filter(status=WorkStatus.PENDING).order_by("not_before")
        due = pending.values_list("not_before", flat=True).first()
        return None if due is None else max((due - timezone.now()).total_seconds(), 0.0)

    # -- performing -------------------------------------------------------------------------

    async def perform(self, item: Claimed) -> _Finished:
        try:
            return _Finished(item, result=await self.workload.perform(item))
        except ProviderError as error:
            failure = Failure(error.kind, error.detail, error.is_retryable, error.retry_after_s)
        except Exception as error:  # the border around one provider call: kept on the row
            logger.exception("row %s of run %s failed", item.pk, self.run.pk)
            failure = Failure("internal_error", f"{type(error).__name__}: {error}")
        return _Finished(item, failure=failure)

    def has_room(self) -> bool:
        """Few enough are under way, and few enough would be lost with this process."""
        unstored = len(self.tasks) + len(self.finished) + self.storing
        return len(self.tasks) < self.workload.in_flight and unstored < 2 * self.workload.in_flight

    def start_waiting(self) -> None:
        while self.is_starting and self.waiting and self.has_room():
            item = self.waiting.popleft()
            task = asyncio.create_task(self.perform(item))
            self.tasks[task] = item
            task.add_done_callback(self.settle)

    def settle(self, task: asyncio.Task[_Finished]) -> None:
        """A finished row makes room for the next at once, even while the database is busy."""
        del self.tasks[task]
        if not task.cancelled():
            self.finished.append(task.result())
        self.start_waiting()
        self.progressed.set()

    # -- storing ----------------------------------------------------------------------------

    def columns_of(self, finished: _Finished) -> dict[str, object]:
        now = timezone.now()
        released: dict[str, object] = {"lease_expires_at": None, "finished_at": now}
        if finished.failure is None:
            self.report.done += 1
            success = {"status": WorkStatus.DONE, "error_kind": "", "error_detail": ""}
            return released | success | self.workload.columns(finished.item, finished.result)
        failure = finished.failure
        attempts = finished.item.attempts - (0 if failure.was_attempted else 1)
        told: dict[str, object] = {
            "error_kind": failure.kind,
            "error_detail": failure.detail[:2000],
        }
        if failure.is_retryable and attempts < self.options.max_attempts:
            self.report.retried += 1
            wait_s = self.retry_wait_s(max(attempts, 1), failure.retry_after_s)
            later = {"status": WorkStatus.PENDING, "not_before": now + dt.timedelta(seconds=wait_s)}
            told |= later | {"attempts": attempts, "finished_at": None}
            return released | told | self.workload.failure_columns(finished.item)
        self.report.failed += 1
        told |= self.workload.failure_columns(finished.item)
        return released | told | {"status": WorkStatus.FAILED}

    def retry_wait_s(self, attempts: int, retry_after_s: float | None) -> float:
        backoff = min(self.options.retry_base_s * 2 ** (attempts - 1), self.options.retry_cap_s)
        return max(self.random.uniform(0, backoff), retry_after_s or 0.0)

    def store(self, batch: list[_Finished]) -> None:
        rows = [(f.item.pk, f.item.lease_owner, self.columns_of(f)) for f in batch]
        with transaction.atomic():
            stored = update_rows(self.run.items().model, rows)
        self.report.lost += len(rows) - stored

    def give_back(self, held: Sequence[Claimed]) -> None:
        """Rows that were not finished, with what they have cost all the same."""
        items = self.run.items()
        costs = [(item.pk, item.lease_owner, self.workload.failure_columns(item)) for item in held]
        with transaction.atomic():
            update_rows(items.model, [row for row in costs if row[2]])
            items.release(ids=[item.pk for item in held], owner=self.owner)

    # -- the loop ---------------------------------------------------------------------------

    async def drive(self) -> DriveReport:
        last_poll = last_renewal = self.started
        while True:
            now = time.monotonic()
            if self.options.max_s is not None and now - self.started > self.options.max_s:
                self.is_starting = False
            if now - last_poll > self.options.poll_s:
                last_poll = now
                if not await self.in_database(self.is_still_active):
                    self.report.was_stopped = True
                    return self.report
                gives_way = self.options.gives_way
                if gives_way is not None and await self.in_database(gives_way):
                    self.is_starting = False
            if now - last_renewal > self.options.lease_s / 3:
                last_renewal = now
                held = [item.pk for item in (*self.tasks.values(), *self.waiting)]
                await self.in_database(lambda held=held: self.renew(held))  # type: ignore[misc]  # mypy cannot infer a default of a lambda
            if self.wants_rows():
                await self.claim_some()
            if self.tasks or self.finished:
                await self.store_some()
            elif not self.is_starting or not await self.wait_for_postponed():
                return self.report

    def wants_rows(self) -> bool:
        """Ahead of time, so that calls go on during the claim; after an empty claim not at once."""
        is_low = len(self.waiting) < self.ahead()
        return self.is_starting and is_low and time.monotonic() >= self.claim_again_at

    async def claim_some(self) -> None:
        claimed = await self.in_database(self.claim)
        if not claimed:
            self.claim_again_at = time.monotonic() + self.options.poll_s
        self.waiting.extend(claimed)
        self.start_waiting()

    async def store_some(self) -> None:
        """Store what has arrived, after waiting for something to arrive."""
        if not self.finished:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.progressed.wait(), self.options.poll_s)
        if 0 < len(self.finished) < self.workload.in_flight // 4:
            await asyncio.sleep(GATHER_S)
        self.progressed.clear()
        if self.finished:
            batch, self.finished = self.finished, []
            self.storing = len(batch)
            await self.in_database(lambda: self.store(batch))
            self.storing = 0
            self.start_waiting()

    async def wait_for_postponed(self) -> bool:
        """True when it is worth staying: rows wait, or will be due soon."""
        if self.waiting:
            return True
        due_s = await self.in_database(self.seconds_until_due)
        self.report.is_drained = due_s is None
        if due_s is None or due_s > self.options.wait_s:
            return False
        await asyncio.sleep(min(due_s + 0.01, self.options.poll_s))
        self.claim_again_at = 0.0
        return True

    async def close(self) -> None:
        """Cancel what is in flight, keep what has arrived, give back the rest."""
        self.is_starting = False
        in_flight, arrived = dict(self.tasks), len(self.finished)
        for task in in_flight:
            task.cancel()
        await asyncio.gather(*in_flight, return_exceptions=True)
        # a call that failed because it was told to end has not failed
        self.finished[arrived:] = [f for f in self.finished[arrived:] if f.failure is None]
        kept = {finished.item.pk for finished in self.finished}
        held = [item for item in (*in_flight.values(), *self.waiting) if item.pk not in kept]
        if self.finished:
            await self.in_database(lambda: self.store(self.finished))
        if held:
            await self.in_database(lambda: self.give_back(held))
        await self.workload.aclose()
        await self.in_database(connections.close_all)
        self.pool.shutdown()


async def drive(
    run: Run, workload: Workload, *, options: DriveOptions | None = None
) -> DriveReport:
    """Work on ``run`` until nothing is claimable, it is stopped, or the chunk's time is over."""
    driver = _Driver(run, workload, options or DriveOptions(), process_owner())
    try:
        return await driver.drive()
    finally:
        await asyncio.shield(driver.close())
