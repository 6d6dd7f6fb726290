"""After the run: stored bytes become the stamp file, each request into its one category."""

from array import array
from collections.abc import Callable
from typing import Any  # rows of a structured array

import numpy as np

from speed.generator.connection import Transport
from speed.generator.events import Reading, read_response, usage_or_unknown
from speed.generator.spool import Spool, SpooledExchange
from speed.stamps import (
    FINISH_REASONS,
    REQUEST_DTYPE,
    UNKNOWN,
    Category,
    ChunkKind,
    RequestFlag,
    Stamps,
)

TokenCounter = Callable[[str], int]
UINT16_MAX = 65_535
_CATEGORY_OF_TRANSPORT = {
    Transport.TIMEOUT: Category.TIMEOUT,
    Transport.REFUSED: Category.REFUSED,
    Transport.UNREACHABLE: Category.UNREACHABLE,
    Transport.TLS: Category.TLS,
    Transport.RESET: Category.RESET,
    Transport.CUT: Category.CUT,
    Transport.PROTOCOL: Category.PROTOCOL,
    Transport.CANCELLED: Category.CANCELLED,
}
ERROR_SAMPLES = 20


def categorise(exchange: SpooledExchange, reading: Reading) -> Category:
    """The one category of a request: the wire's verdict, then the status, then the content."""
    transport = Transport(exchange.outcome)
    if transport is not Transport.COMPLETE:
        return _CATEGORY_OF_TRANSPORT[transport]
    if not 200 <= exchange.status < 300:
        return _category_of_status(exchange.status)
    if reading.error:
        return Category.STREAM_ERROR
    if not reading.has_output:
        return Category.EMPTY
    has_end = reading.is_done or reading.finish or reading.usage
    return Category.SUCCEEDED if has_end else Category.CUT


def _category_of_status(status: int) -> Category:
    if status == 429:
        return Category.RATE_LIMITED
    return Category.SERVER_ERROR if status >= 500 else Category.CLIENT_ERROR


class Digest:
    """Collects rows and chunks of all requests."""

    def __init__(self, origin_ns: int, count_tokens: TokenCounter | None = None) -> None:
        self.error_samples: dict[str, list[str]] = {}
        self._origin_ns = origin_ns
        self._count_tokens = count_tokens
        self._rows: list[tuple[Any, ...]] = []
        self._at = array("q")
        self._kind = array("B")
        self._characters = array("H")
        self._tokens = array("H")

    def add(self, exchange: SpooledExchange, raw: bytes, spool: Spool) -> None:
        """Read one response and keep its figures."""
        first, last = exchange.first_read, exchange.first_read + exchange.reads
        stamps = spool.stamps[first:last].tolist()
        reading = read_response(raw, spool.lengths[first:last].tolist(), stamps)
        category = categorise(exchange, reading)
        self._sample_error(category, reading, raw)
        output_tokens, flags = self._output_tokens(exchange, reading)
        self._rows.append(
            (
                exchange.index,
                exchange.phase,
                exchange.role,
                int(category),
                exchange.status,
                int(flags),
                exchange.slot,
                exchange.chain,
                exchange.turn,
                finish_code(reading.finish),
                exchange.prompt,
                exchange.body_bytes,
                exchange.expected_output,
                usage_or_unknown(reading, "prompt"),
                output_tokens,
                usage_or_unknown(reading, "reasoning"),
                usage_or_unknown(reading, "cached"),
                exchange.scheduled_ns - self._origin_ns,
                exchange.sent_ns - self._origin_ns,
                (stamps[0] if stamps else exchange.end_ns) - self._origin_ns,
                exchange.end_ns - self._origin_ns,
                exchange.connect_ns,
                len(self._at),
                len(reading.chunks),
            )
        )
        self._add_chunks(reading)

    def stamps(self, header: dict[str, Any], lags_ns: "array[int]") -> Stamps:
        """The finished file's content, requests in the order they were issued."""
        requests = np.array(self._rows, dtype=REQUEST_DTYPE)
        return Stamps(
            header={**header, "error_samples": self.error_samples},
            requests=requests[np.argsort(requests["index"], kind="stable")],
            chunk_at=np.array(self._at, dtype=np.int64),
            chunk_kind=np.array(self._kind, dtype=np.uint8),
            chunk_chars=np.array(self._characters, dtype=np.uint16),
            chunk_tokens=np.array(self._tokens, dtype=np.uint16),
            lags_ns=np.array(lags_ns, dtype=np.int64),
        )

    def _add_chunks(self, reading: Reading) -> None:
        for chunk in reading.chunks:
            self._at.append(chunk.stamp - self._origin_ns)
            self._kind.append(int(chunk.kind))
            self._characters.append(min(chunk.characters, UINT16_MAX))
            self._tokens.append(min(chunk.tokens, UINT16_MAX))

    def _output_tokens(
        self, exchange: SpooledExchange, reading: Reading
    ) -> tuple[int, RequestFlag]:
        flags = RequestFlag.COLD if exchange.is_cold else RequestFlag(0)
        flags |= RequestFlag.STREAMED if reading.is_streamed else RequestFlag(0)
        flags |= RequestFlag.DONE if reading.is_done else RequestFlag(0)
        if "output" in reading.usage:
            return reading.usage["output"], flags | RequestFlag.USAGE
        if not reading.has_output:
            return UNKNOWN, flags
        if self._count_tokens is not None:
            return self._count_tokens("".join(reading.text)), flags | RequestFlag.TOKENIZED
        if not reading.is_streamed:
            return UNKNOWN, flags
        carries = ChunkKind.CONTENT | ChunkKind.REASONING | ChunkKind.TOOL
        texts = sum(1 for chunk in reading.chunks if chunk.kind & carries)
        return texts, flags | RequestFlag.ESTIMATED

    def _sample_error(self, category: Category, reading: Reading, raw: bytes) -> None:
        if category in (Category.SUCCEEDED, Category.CANCELLED):
            return
        samples = self.error_samples.setdefault(category.name.lower(), [])
        body = raw.partition(b"\r\n\r\n")[2][:200].decode("utf-8", "replace")
        text = reading.error or body
        if text and text not in samples and len(samples) < ERROR_SAMPLES:
            samples.append(text)


def finish_code(reason: str) -> int:
    """Position of a finish reason in FINISH_REASONS; unknown ones are "other"."""
    if reason in FINISH_REASONS:
        return FINISH_REASONS.index(reason)
    return FINISH_REASONS.index("other")
