"""The queue of an arena without Redis: files in a folder, of which a reader sees whole ones only.

Kombu's own transport makes a message's file and then writes it, so a reader may take it in between,
find it empty, and end the worker. Here a file is written under another name and renamed; which of
several readers has a message is settled by a rename too. A process killed half-way leaves a file
behind that nobody reads, and at most the message in hand is lost: rows are the truth.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty
from time import monotonic
from typing import Any
from uuid import uuid4

from kombu.exceptions import ChannelError
from kombu.transport import filesystem
from kombu.transport.filesystem import LOCK_EX, exchange_queue_t, lock
from kombu.utils.json import dumps, loads

logger = logging.getLogger(__name__)
# what kombu raises where a payload is not JSON, or not a message
_NO_MESSAGE = (ValueError, LookupError, TypeError, AttributeError)


class Channel(filesystem.Channel):
    """As kombu's, but for how files are written and read."""

    def _put(  # type: ignore[override]  # kombu's own two bases name it differently
        self,
        queue: str,
        payload: dict[str, Any],
        **kwargs: Any,  # JSON
    ) -> None:
        name = f"{round(monotonic() * 1000)}_{uuid4()}.{queue}.msg"
        try:
            _write_whole(Path(self.data_folder_out) / name, dumps(payload))
        except OSError as error:
            raise ChannelError(f"cannot add {name!r} to {self.data_folder_out}") from error

    def _get(self, queue: str, timeout: float | None = None) -> dict[str, Any]:  # JSON
        for name in sorted(os.listdir(self.data_folder_in)):
            if name.partition(".")[2] == f"{queue}.msg":
                payload = self._taken(Path(self.data_folder_in) / name)
                if payload is not None:
                    return payload
        raise Empty

    def _taken(self, file: Path) -> dict[str, Any] | None:  # JSON
        """The message of a file, which is gone then; None where another process was faster, or
        where it holds none and is put aside.
        """
        mine = file.with_name(f"{file.name}.{uuid4()}.taken")
        try:
            file.rename(mine)
        except OSError:
            return None
        try:
            payload: dict[str, Any] = loads(mine.read_bytes().decode())
            self.Message(payload, channel=self)  # as the consumer will
        except _NO_MESSAGE as error:
            aside = file.with_name(f"{file.name}.unreadable")
            mine.rename(aside)
            logger.warning("no message in the queue's file, put aside as %s: %r", aside, error)
            return None
        mine.unlink()
        return payload

    def get_table(self, exchange: str) -> list[exchange_queue_t]:
        """Which queues are bound to an exchange; a table that cannot be read is written anew when
        the next process starts, as each binds its queues then.
        """
        file = self._exchange_file(exchange)
        try:
            return [exchange_queue_t(*row) for row in loads(file.read_bytes().decode())]
        except FileNotFoundError:
            return []
        except _NO_MESSAGE as error:
            logger.warning("no table of queues in %s: %r", file, error)
            return []

    def _queue_bind(self, exchange: str, routing_key: str, pattern: str, queue: str) -> None:
        bound = exchange_queue_t(routing_key or "", pattern or "", queue or "")
        with self._tables_locked():
            table = self.get_table(exchange)
            if bound not in table:
                _write_whole(self._exchange_file(exchange), dumps([bound, *table]))

    def _delete(
        self, queue: str, exchange: str, routing_key: str, pattern: str, *args: Any, **kwargs: Any
    ) -> None:
        self._purge(queue)
        bound = exchange_queue_t(routing_key or "", pattern or "", queue or "")
        with self._tables_locked():
            table = self.get_table(exchange)
            if bound in table:
                left = [row for row in table if row != bound]
                _write_whole(self._exchange_file(exchange), dumps(left))

    @contextmanager
    def _tables_locked(self) -> Iterator[None]:
        self.control_folder.mkdir(exist_ok=True)
        with (self.control_folder / "tables.lock").open("wb") as held:
            lock(held, LOCK_EX)  # let go of when it is closed
            yield


class Transport(filesystem.Transport):
    Channel = Channel


def _write_whole(file: Path, text: str) -> None:
    """Under its name there is the whole file, or what was there before."""
    unfinished = file.with_name(f"{file.name}.{uuid4()}.unfinished")
    try:
        unfinished.write_bytes(text.encode())
        unfinished.replace(file)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise
