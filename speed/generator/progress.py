"""The run's counters in a small shared file: written twenty times a second, read by anybody."""

import mmap
import struct
from dataclasses import dataclass, fields
from pathlib import Path

_LAYOUT = struct.Struct("=16q")


@dataclass(slots=True)
class Counters:
    """Counts since the start of the run; rates are differences of two readings."""

    elapsed_ns: int = 0
    phase: int = 0
    is_warm: int = 0
    issued: int = 0
    completed: int = 0
    failed: int = 0
    in_flight: int = 0
    reads: int = 0
    received_bytes: int = 0
    first_byte_sum_ns: int = 0
    first_byte_count: int = 0
    latency_sum_ns: int = 0
    lag_ns: int = 0
    is_over: int = 0
    late_sends: int = 0


class ProgressWriter:
    """Publishes counters; a plan without a progress file publishes nowhere."""

    def __init__(self, path: str | None) -> None:
        self._map: mmap.mmap | None = None
        if path is not None:
            Path(path).write_bytes(bytes(_LAYOUT.size))
            with Path(path).open("r+b") as file:
                self._map = mmap.mmap(file.fileno(), _LAYOUT.size)

    def publish(self, counters: Counters) -> None:
        """Make the counters visible."""
        if self._map is not None:
            values = [getattr(counters, item.name) for item in fields(Counters)]
            self._map[:] = _LAYOUT.pack(*values, *([0] * (16 - len(values))))

    def close(self) -> None:
        """Release the file."""
        if self._map is not None:
            self._map.close()


def read_progress(path: str | Path) -> Counters | None:
    """The counters as last published; None before the first."""
    try:
        data = Path(path).read_bytes()
    except FileNotFoundError:
        return None
    if len(data) < _LAYOUT.size:
        return None
    return Counters(*_LAYOUT.unpack(data)[: len(fields(Counters))])
