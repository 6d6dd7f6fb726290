"""Where finished exchanges go during the run: numbers into arrays, bytes into a temporary file."""

import tempfile
from array import array
from dataclasses import dataclass
from types import TracebackType
from typing import IO

from speed.generator.connection import Exchange

BUFFER_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class SpooledExchange:
    """What is kept of an exchange besides its stamped reads."""

    index: int
    phase: int
    role: int
    outcome: int
    status: int
    is_cold: bool
    slot: int
    chain: int
    turn: int
    prompt: int
    expected_output: int
    body_bytes: int
    scheduled_ns: int
    sent_ns: int
    end_ns: int
    connect_ns: int
    first_read: int
    reads: int
    offset: int


class Spool:
    """Takes exchanges without looking at their bytes, so that memory stays flat."""

    def __init__(self) -> None:
        self.exchanges: list[SpooledExchange] = []
        self.stamps: array[int] = array("q")
        self.lags: array[int] = array("q")
        self.lengths: array[int] = array("q")
        self._file: IO[bytes] = tempfile.TemporaryFile(  # noqa: SIM115 - closed by __exit__
            buffering=BUFFER_BYTES
        )
        self._offset = 0

    def __enter__(self) -> "Spool":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def record(self, exchange: Exchange) -> None:
        """Keep a finished exchange."""
        template = exchange.template
        self.exchanges.append(
            SpooledExchange(
                index=exchange.index,
                phase=exchange.phase,
                role=exchange.role,
                outcome=int(exchange.outcome),
                status=exchange.status,
                is_cold=exchange.is_cold,
                slot=exchange.slot,
                chain=exchange.chain,
                turn=template.turn,
                prompt=template.prompt,
                expected_output=template.expected_output,
                body_bytes=template.body_bytes,
                scheduled_ns=exchange.scheduled_ns,
                sent_ns=exchange.sent_ns,
                end_ns=exchange.end_ns,
                connect_ns=exchange.connect_ns,
                first_read=len(self.stamps),
                reads=len(exchange.stamps),
                offset=self._offset,
            )
        )
        self.stamps.extend(exchange.stamps)
        self.lags.extend(map(int.__sub__, exchange.user_stamps, exchange.stamps))
        self.lengths.extend(map(len, exchange.reads))
        data = b"".join(exchange.reads)
        self._file.write(data)
        self._offset += len(data)
        exchange.stamps, exchange.user_stamps, exchange.reads = [], [], []

    def response(self, exchange: SpooledExchange) -> bytes:
        """The raw response bytes of an exchange."""
        first, last = exchange.first_read, exchange.first_read + exchange.reads
        self._file.seek(exchange.offset)
        return self._file.read(sum(self.lengths[first:last]))
