"""Endpoint limits shared by all processes of one host through a small SQLite file.

For installations without Redis, whose processes live on one host. The file is apart from the
installation's database, so counting never waits for a long write there. It holds nothing worth
keeping: claims expire within seconds, and a crash may lose the last of them.
"""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import TypeVar

from providers.limits import Claim, Grant, LimitStoreError, book, share_slots

Value = TypeVar("Value")

WAIT_S = 5.0  # for another process that counts at this moment
_TABLES = """
CREATE TABLE IF NOT EXISTS arrival (key TEXT PRIMARY KEY, at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS pause (key TEXT PRIMARY KEY, until REAL NOT NULL);
CREATE TABLE IF NOT EXISTS claim (
  key TEXT NOT NULL, member TEXT NOT NULL, wanted INTEGER NOT NULL, held INTEGER NOT NULL,
  expires_at REAL NOT NULL, PRIMARY KEY (key, member)
);
"""


@dataclass(slots=True)
class SqliteLimitStore:
    """See LimitStore. One instance serves any number of event loops and threads.

    ``now`` is wall-clock time, the one clock that the processes of a host share over restarts.
    """

    path: Path
    now: Callable[[], float] = time.time
    _connection: sqlite3.Connection | None = None
    _lock: Lock = field(default_factory=Lock)

    async def reserve(self, key: str, amount: float, *, per_minute: float, burst: float) -> float:
        """See LimitStore."""

        def count(connection: sqlite3.Connection) -> float:
            now = self.now()
            row = connection.execute("SELECT at FROM arrival WHERE key = ?", (key,)).fetchone()
            arrival, wait_s = book(
                row[0] if row else now, now, amount, per_minute=per_minute, burst=burst
            )
            connection.execute("INSERT OR REPLACE INTO arrival VALUES (?, ?)", (key, arrival))
            return wait_s

        return await self._counted(count)

    async def claim_slots(
        self, key: str, member: str, *, wanted: int, in_use: int, limit: int, ttl_s: float
    ) -> Grant:
        """See LimitStore."""

        def count(connection: sqlite3.Connection) -> Grant:
            now = self.now()
            connection.execute(
                "DELETE FROM claim WHERE key = ? AND (expires_at <= ? OR member = ?)",
                (key, now, member),
            )
            others = connection.execute(
                "SELECT wanted, held, expires_at FROM claim WHERE key = ?", (key,)
            ).fetchall()
            slots = share_slots([Claim(*row) for row in others], wanted=wanted, limit=limit)
            if wanted or in_use:
                connection.execute(
                    "INSERT INTO claim VALUES (?, ?, ?, ?, ?)",
                    (key, member, wanted, max(slots, in_use), now + ttl_s),
                )
            paused = connection.execute("SELECT until FROM pause WHERE key = ?", (key,)).fetchone()
            return Grant(slots, max(0.0, paused[0] - now) if paused else 0.0)

        return await self._counted(count)

    async def pause(self, key: str, seconds: float) -> None:
        """See LimitStore."""

        def count(connection: sqlite3.Connection) -> None:
            connection.execute(
                "INSERT INTO pause VALUES (?, ?) "
                "ON CONFLICT (key) DO UPDATE SET until = max(until, excluded.until)",
                (key, self.now() + seconds),
            )

        await self._counted(count)

    async def _counted(self, count: Callable[[sqlite3.Connection], Value]) -> Value:
        """One atomic step, in a thread: another process may hold the file for a moment."""

        def step() -> Value:
            try:
                with self._lock, self._transaction() as connection:
                    return count(connection)
            except sqlite3.Error as error:
                raise LimitStoreError(
                    f"the file {self.path} did not count the endpoint's limits ({error})"
                ) from error

        return await asyncio.to_thread(step)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        connection = self._connection or self._open()
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")

    def _open(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(
            self.path, timeout=WAIT_S, isolation_level=None, check_same_thread=False
        )
        # nothing here outlives a crash of the machine, so no write waits for the disk
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = OFF")
        connection.executescript(_TABLES)
        self._connection = connection
        return connection

    def close(self) -> None:
        """Let go of the file; the next call opens it again."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None
