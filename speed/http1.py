"""Just enough HTTP/1.1 to know where a message ends while it is being timed.

Only framing is followed (header end, chunk sizes, Content-Length). What the bytes mean, SSE
events, JSON, tokens, is read after the run from the stored bytes.
"""

MAX_HEADER_BYTES = 65_536
HEADER_END = b"\r\n\r\n"


class FramingError(ValueError):
    """Bytes that are not an HTTP/1.1 message as we understand it."""


class MessageFraming:
    """Follows one message; ``feed`` says whether it is complete.

    ``status`` is 0 until the header block has been seen; for requests it stays 0.
    """

    __slots__ = (
        "_header_buffer",
        "_in_trailers",
        "_is_chunked",
        "_line_buffer",
        "_remaining",
        "_until_close",
        "has_header",
        "header",
        "is_complete",
        "keeps_alive",
        "status",
    )

    def __init__(self) -> None:
        self._header_buffer = b""
        self._line_buffer = b""
        self._remaining = 0
        self._is_chunked = False
        self._in_trailers = False
        self._until_close = False
        self.has_header = False
        self.header = b""
        self.is_complete = False
        self.keeps_alive = True
        self.status = 0

    def feed(self, data: bytes) -> bool:
        """Take the next bytes; True once the message is complete. Raises FramingError."""
        if not self.has_header:
            data = self._feed_header(data)
            if not self.has_header:
                return False
        if self._is_chunked:
            self._feed_chunked(data)
        elif not self._until_close:
            self._remaining -= len(data)
            if self._remaining < 0:
                raise FramingError(f"the message is {-self._remaining} bytes longer than it said")
            self.is_complete = self._remaining == 0
        return self.is_complete

    def end_of_stream(self) -> bool:
        """The peer closed; True when that is a proper end (a body without a stated length)."""
        if self.has_header and self._until_close:
            self.is_complete = True
        self.keeps_alive = False
        return self.is_complete

    def _feed_header(self, data: bytes) -> bytes:
        buffer = self._header_buffer + data
        end = buffer.find(HEADER_END)
        if end < 0:
            if len(buffer) > MAX_HEADER_BYTES:
                raise FramingError(f"the header exceeds {MAX_HEADER_BYTES} bytes")
            self._header_buffer = buffer
            return b""
        self.header, rest = buffer[:end], buffer[end + 4 :]
        self._header_buffer = b""
        if self.header.startswith((b"HTTP/1.1 1", b"HTTP/1.0 1")):
            return self._feed_header(rest)  # 100 Continue and its like precede the real header
        self.has_header = True
        self._read_header()
        return rest

    def _read_header(self) -> None:
        first, _, block = self.header.partition(b"\r\n")
        is_response = first.startswith(b"HTTP/")
        if is_response:
            self.status = _status_of(first)
        fields = header_fields(block)
        self._is_chunked = b"chunked" in fields.get(b"transfer-encoding", b"").lower()
        length = fields.get(b"content-length")
        connection = fields.get(b"connection", b"").lower()
        self.keeps_alive = b"close" not in connection and not first.startswith(b"HTTP/1.0")
        if self._is_chunked:
            return
        if length is not None:
            if not length.isdigit():
                raise FramingError(f"Content-Length is {length!r}, which is no number")
            self._remaining = int(length)
        elif is_response and self.status not in (204, 304):
            self._until_close = True
            self.keeps_alive = False

    def _feed_chunked(self, data: bytes) -> None:
        position, size = 0, len(data)
        while position < size:
            if self._remaining:
                step = min(self._remaining, size - position)
                self._remaining -= step
                position += step
                continue
            end = data.find(b"\n", position)
            if end < 0:
                self._line_buffer += data[position:]
                if len(self._line_buffer) > MAX_HEADER_BYTES:
                    raise FramingError("a chunk-size line does not end")
                return
            line = self._line_buffer + data[position:end]
            self._line_buffer = b""
            position = end + 1
            self._take_size_line(line.rstrip(b"\r"))
            if self.is_complete:
                return

    def _take_size_line(self, line: bytes) -> None:
        if self._in_trailers:
            self.is_complete = not line
            return
        if not line:
            raise FramingError("a chunk-size line is empty")
        try:
            length = int(line.partition(b";")[0], 16)
        except ValueError:
            raise FramingError(f"a chunk-size line reads {line[:40]!r}") from None
        if length < 0:
            raise FramingError(f"a chunk is {length} bytes long")
        if length == 0:
            self._in_trailers = True
        else:
            self._remaining = length + 2  # the chunk's own CRLF


def _status_of(line: bytes) -> int:
    parts = line.split(b" ", 2)
    if len(parts) < 2 or not parts[1].isdigit():
        raise FramingError(f"the status line reads {line[:60]!r}")
    return int(parts[1])


def header_fields(block: bytes) -> dict[bytes, bytes]:
    """Header lines as a mapping with lower-case names; the last of a repeated name wins."""
    fields: dict[bytes, bytes] = {}
    for line in block.split(b"\r\n"):
        name, _, value = line.partition(b":")
        fields[name.strip().lower()] = value.strip()
    return fields


def decode_chunked(body: bytes) -> bytes:
    """The payload of a chunked body; a body cut short yields what had arrived."""
    parts: list[bytes] = []
    position = 0
    while True:
        end = body.find(b"\r\n", position)
        if end < 0:
            break
        try:
            length = int(body[position:end].partition(b";")[0], 16)
        except ValueError:
            break
        if length == 0:
            break
        parts.append(body[end + 2 : end + 2 + length])
        position = end + 2 + length + 2
    return b"".join(parts)
