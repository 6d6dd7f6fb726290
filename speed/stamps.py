"""The stamp file: what a run saw, compact enough to keep for ever, exact enough to recompute from.

Layout: eight bytes of magic, the header's length (uint32, little endian), a JSON header, then the
arrays back to back in the order the header lists them. No pickle, no secret, no text of any
answer. A chunk takes 13 bytes, so a million of them take 13 MB.

Times are monotonic nanoseconds counted from the start of the run (``header["origin_ns"]``).
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from pathlib import Path
from typing import Any  # the header is JSON

import numpy as np
import orjson
from numpy.typing import NDArray

MAGIC = b"AGONSTM1"
_LENGTH = struct.Struct("<I")
MAX_HEADER_BYTES = 64 << 20
UNKNOWN = -1


class StampFileError(ValueError):
    """A file that is no stamp file, or a damaged one."""


class Category(IntEnum):
    """How a request ended, for good; every attempt is in exactly one category."""

    SUCCEEDED = 0
    RATE_LIMITED = 1
    CLIENT_ERROR = 2
    SERVER_ERROR = 3
    TIMEOUT = 4
    REFUSED = 5
    UNREACHABLE = 6
    TLS = 7
    RESET = 8
    CUT = 9
    PROTOCOL = 10
    STREAM_ERROR = 11
    EMPTY = 12
    CANCELLED = 13


class ChunkKind(IntFlag):
    """What one event of a stream carried."""

    ROLE_ONLY = 1  # a choice without text: the opener, or the closer with its finish_reason
    CONTENT = 2
    REASONING = 4
    TOOL = 8
    USAGE = 16
    ERROR = 32
    SHARED_READ = 64  # arrived in one read with the event before: its own time is unknown


class RequestFlag(IntFlag):
    """What else is known of a request."""

    COLD = 1  # had to wait for a new connection
    STREAMED = 2
    USAGE = 4  # the server stated token counts
    DONE = 8  # the stream ended with [DONE]
    TOKENIZED = 16  # output tokens were counted by a tokenizer here
    ESTIMATED = 32  # output tokens are the number of text chunks, for want of anything better


REQUEST_DTYPE = np.dtype(
    [
        ("index", "<u4"),
        ("phase", "<u2"),
        ("role", "u1"),
        ("category", "u1"),
        ("status", "<u2"),
        ("flags", "<u2"),
        ("slot", "<u4"),
        ("chain", "<u4"),
        ("turn", "<u2"),
        ("finish", "u1"),
        ("prompt", "<u4"),
        ("body_bytes", "<u4"),
        ("expected_output", "<i4"),
        ("prompt_tokens", "<i4"),
        ("output_tokens", "<i4"),
        ("reasoning_tokens", "<i4"),
        ("cached_tokens", "<i4"),
        ("scheduled_ns", "<i8"),
        ("sent_ns", "<i8"),
        ("first_byte_ns", "<i8"),
        ("end_ns", "<i8"),
        ("connect_ns", "<i8"),
        ("first_chunk", "<u4"),
        ("chunks", "<u4"),
    ]
)
FINISH_REASONS = ("", "stop", "length", "tool_calls", "content_filter", "other")


@dataclass(frozen=True, slots=True)
class Stamps:
    """One run: a row per request (REQUEST_DTYPE) and parallel arrays with one entry per chunk.

    ``chunk_at`` int64 (ns), ``chunk_kind`` uint8 (ChunkKind), ``chunk_chars`` and
    ``chunk_tokens`` uint16 (tokens only where the server states them per chunk). Chunks of a
    request are ``first_chunk`` to ``first_chunk + chunks``. ``lags_ns`` int64: loop-lag samples.
    """

    header: Mapping[str, Any]
    requests: NDArray[np.void]
    chunk_at: NDArray[np.int64]
    chunk_kind: NDArray[np.uint8]
    chunk_chars: NDArray[np.uint16]
    chunk_tokens: NDArray[np.uint16]
    lags_ns: NDArray[np.int64]

    def of_phase(self, phase: int) -> NDArray[np.void]:
        """The requests of one phase."""
        rows: NDArray[np.void] = self.requests[self.requests["phase"] == phase]
        return rows


_ARRAYS = ("requests", "chunk_at", "chunk_kind", "chunk_chars", "chunk_tokens", "lags_ns")


def write_stamps(path: str | Path, stamps: Stamps) -> None:
    """Write atomically: a reader sees the old file or the new one."""
    arrays = [np.ascontiguousarray(getattr(stamps, name)) for name in _ARRAYS]
    listing = [
        {"name": name, "count": len(array), "dtype": _dtype_name(array)}
        for name, array in zip(_ARRAYS, arrays, strict=True)
    ]
    header = orjson.dumps({**stamps.header, "arrays": listing})
    temporary = Path(f"{path}.part")
    with temporary.open("wb") as file:
        file.write(MAGIC + _LENGTH.pack(len(header)) + header)
        for array in arrays:
            file.write(array.tobytes())
    temporary.replace(path)


def read_stamps(path: str | Path) -> Stamps:
    """Read a run back; raises StampFileError for anything that is not a whole stamp file."""
    return parse_stamps(Path(path).read_bytes(), str(path))


def parse_stamps(data: bytes, path: str) -> Stamps:
    """The run in the bytes of a stamp file; ``path`` names it in errors. Raises StampFileError."""
    prefix = len(MAGIC) + _LENGTH.size
    if data[: len(MAGIC)] != MAGIC or len(data) < prefix:
        raise StampFileError(f"{path} is no stamp file of this version")
    (length,) = _LENGTH.unpack_from(data, len(MAGIC))
    try:
        header = orjson.loads(data[prefix : prefix + length])
        listing = {item["name"]: item for item in header.pop("arrays")}
        position = prefix + length
        arrays: dict[str, NDArray[Any]] = {}
        for name in _ARRAYS:
            dtype = REQUEST_DTYPE if name == "requests" else np.dtype(listing[name]["dtype"])
            count = int(listing[name]["count"])
            arrays[name] = np.frombuffer(data, dtype=dtype, count=count, offset=position)
            position += count * dtype.itemsize
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise StampFileError(f"{path} is damaged: {error}") from error
    return Stamps(header=header, **arrays)


def _dtype_name(array: NDArray[Any]) -> str:
    return "request" if array.dtype == REQUEST_DTYPE else str(array.dtype.str)
