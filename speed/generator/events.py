"""Reading stored response bytes after the run: HTTP chunks, SSE events, what each one carried."""

import re
from bisect import bisect_left
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any  # server JSON of unknown shape

import orjson

from speed.http1 import HEADER_END, header_fields
from speed.stamps import UNKNOWN, ChunkKind

_EVENT_END = re.compile(rb"\r\n\r\n|\n\n|\r\r")
_LINE_END = re.compile(rb"\r\n|\n|\r")
REASONING_FIELDS = ("reasoning_content", "reasoning")


@dataclass(slots=True)
class Chunk:
    """One data event of a stream, or a whole answer that was not streamed."""

    stamp: int
    kind: ChunkKind
    characters: int
    tokens: int


@dataclass(slots=True)
class Reading:
    """What a response turned out to hold."""

    is_streamed: bool = False
    is_done: bool = False
    finish: str = ""
    error: str = ""
    usage: dict[str, int] = field(default_factory=dict)
    chunks: list[Chunk] = field(default_factory=list)
    text: list[str] = field(default_factory=list)

    @property
    def has_output(self) -> bool:
        """Whether any text, reasoning or tool call arrived."""
        carries = ChunkKind.CONTENT | ChunkKind.REASONING | ChunkKind.TOOL
        return any(chunk.kind & carries for chunk in self.chunks)


class _Payload:
    """The decoded body, with the raw position at which each part of it had arrived."""

    __slots__ = ("_decoded_ends", "_raw_starts", "_read_ends", "_stamps", "data")

    def __init__(self, raw: bytes, lengths: list[int], stamps: list[int], chunked: bool) -> None:
        start = raw.find(HEADER_END) + len(HEADER_END)
        self._read_ends = list(accumulate(lengths))
        self._stamps = stamps
        pieces = list(_chunk_spans(raw, start)) if chunked else [(start, len(raw))]
        self.data = b"".join([raw[first:last] for first, last in pieces])
        self._raw_starts = [first for first, _ in pieces]
        self._decoded_ends = list(accumulate(last - first for first, last in pieces))

    def read_at(self, position: int) -> int:
        """Number of the read that delivered the decoded byte before ``position``."""
        piece = bisect_left(self._decoded_ends, position)
        before = self._decoded_ends[piece - 1] if piece else 0
        raw_position = self._raw_starts[piece] + position - before
        return bisect_left(self._read_ends, raw_position)

    def stamp_of_read(self, read: int) -> int:
        """When that read had reached this host."""
        return self._stamps[read]


def _chunk_spans(raw: bytes, position: int) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    while True:
        end = raw.find(b"\r\n", position)
        if end < 0:
            return spans
        try:
            length = int(raw[position:end].partition(b";")[0], 16)
        except ValueError:
            return spans
        if length <= 0:
            return spans
        spans.append((end + 2, min(end + 2 + length, len(raw))))
        position = end + 2 + length + 2


def read_response(raw: bytes, lengths: list[int], stamps: list[int]) -> Reading:
    """Everything a response says; a response cut short yields what had arrived by then.

    ``lengths`` and ``stamps``: bytes and arrival (ns) of each read, in order.
    """
    reading = Reading()
    end = raw.find(HEADER_END)
    if end < 0 or not stamps:
        return reading
    fields = header_fields(raw[:end].partition(b"\r\n")[2])
    chunked = b"chunked" in fields.get(b"transfer-encoding", b"").lower()
    payload = _Payload(raw, lengths, stamps, chunked)
    reading.is_streamed = fields.get(b"content-type", b"").startswith(b"text/event-stream")
    if reading.is_streamed:
        _read_events(reading, payload)
    else:
        _read_document(reading, payload.data, stamps[-1])
    return reading


def _read_events(reading: Reading, payload: _Payload) -> None:
    position, last_read, tokens_so_far = 0, -1, 0
    for match in _EVENT_END.finditer(payload.data):
        block = payload.data[position : match.start()]
        position = match.end()
        data = event_data(block)
        if not data:
            continue
        read = payload.read_at(position)
        if data.startswith(b"[DONE]"):
            reading.is_done = True
            continue
        chunk = _classify(reading, data, payload.stamp_of_read(read))
        if read == last_read:
            chunk.kind |= ChunkKind.SHARED_READ
        last_read = read
        stated = reading.usage.get("output", 0) if chunk.tokens else tokens_so_far
        chunk.tokens, tokens_so_far = max(0, stated - tokens_so_far), stated
        reading.chunks.append(chunk)


def event_data(block: bytes) -> bytes:
    """The data of one SSE event; empty for comments, pings and other fields."""
    if block.startswith(b"data: ") and b"\n" not in block and b"\r" not in block:
        return block[6:]
    parts = []
    for line in _LINE_END.split(block):
        name, _, value = line.partition(b":")
        if name == b"data":
            parts.append(value.removeprefix(b" "))
    return b"\n".join(parts)


def _classify(reading: Reading, data: bytes, stamp: int) -> Chunk:
    try:
        event = orjson.loads(data)
    except orjson.JSONDecodeError:
        event = None
    if not isinstance(event, dict):
        reading.error = reading.error or f"an event is not JSON: {data[:80]!r}"
        return Chunk(stamp, ChunkKind.ERROR, 0, 0)
    if event.get("error"):
        reading.error = reading.error or str(event["error"])[:200]
        return Chunk(stamp, ChunkKind.ERROR, 0, 0)
    kind, characters = ChunkKind(0), 0
    for choice in event.get("choices") or ():
        kind_here, text = _delta(choice)
        kind |= kind_here
        characters += len(text)
        reading.text.append(text)
        if choice.get("finish_reason"):
            reading.finish = str(choice["finish_reason"])
    has_text = bool(kind)
    if event.get("choices") and not has_text:
        kind |= ChunkKind.ROLE_ONLY
    if isinstance(event.get("usage"), dict):
        _take_usage(reading, event["usage"])
        kind |= ChunkKind.USAGE
    return Chunk(stamp, kind, characters, int(has_text and bool(kind & ChunkKind.USAGE)))


def _delta(choice: dict[str, Any]) -> tuple[ChunkKind, str]:
    """What a choice of a streamed event, or of a whole answer, adds."""
    delta = choice.get("delta") or choice.get("message") or choice
    kind, parts = ChunkKind(0), []
    for name in REASONING_FIELDS:
        if isinstance(delta.get(name), str) and delta[name]:
            kind |= ChunkKind.REASONING
            parts.append(delta[name])
            break  # servers in transition send the same text under both names
    for name in ("content", "text"):
        if isinstance(delta.get(name), str) and delta[name]:
            kind |= ChunkKind.CONTENT
            parts.append(delta[name])
    for call in delta.get("tool_calls") or ():
        kind |= ChunkKind.TOOL
        function = call.get("function") or {}
        parts.append((function.get("name") or "") + (function.get("arguments") or ""))
    return kind, "".join(parts)


def _take_usage(reading: Reading, usage: dict[str, Any]) -> None:
    found = {
        "prompt": usage.get("prompt_tokens"),
        "output": usage.get("completion_tokens"),
        "cached": (usage.get("prompt_tokens_details") or {}).get("cached_tokens"),
        "reasoning": (usage.get("completion_tokens_details") or {}).get("reasoning_tokens"),
    }
    reading.usage |= {name: int(value) for name, value in found.items() if value is not None}


def _read_document(reading: Reading, body: bytes, stamp: int) -> None:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        reading.error = f"the response is not JSON: {body[:80]!r}"
        return
    chunk = _classify(reading, orjson.dumps(document), stamp)
    chunk.tokens = 0
    reading.is_done = not chunk.kind & ChunkKind.ERROR
    reading.chunks.append(chunk)


def usage_or_unknown(reading: Reading, name: str) -> int:
    """A token count the server stated, or UNKNOWN."""
    return reading.usage.get(name, UNKNOWN)
