"""Server-sent events out of raw bytes, as endpoints really send them (WHATWG HTML §9.2, loosely).

Lines may end in LF, CRLF or CR, and may be split anywhere, also inside a character; comments and
pings are skipped; blank lines between events may be missing.
"""

from providers.base import FailureKind, ProviderError

MAX_EVENT_BYTES = 4 * 2**20  # long log-probability lists fit; a runaway line does not


class EventParser:
    """Feed chunks, get the ``data`` of finished events.

    A ``data`` line that does not look like the continuation of a JSON text starts an event of its
    own even without a blank line before it, since some servers leave those out.
    """

    __slots__ = ("_data", "_held_return", "_rest")

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []
        self._held_return = False

    def feed(self, chunk: bytes) -> list[bytes]:
        """The payloads that ``chunk`` completes."""
        if self._held_return or b"\r" in chunk:
            chunk = self._with_newlines(chunk)
        lines = (self._rest + chunk).split(b"\n")
        self._rest = lines.pop()
        if len(self._rest) > MAX_EVENT_BYTES:
            raise ProviderError(
                FailureKind.MALFORMED_REPLY,
                f"a line of the stream is longer than {MAX_EVENT_BYTES} bytes",
            )
        events: list[bytes] = []
        for line in lines:
            self._take(line, events)
        return events

    def close(self) -> list[bytes]:
        """What is left when the connection ends without a blank line."""
        events: list[bytes] = []
        self._take(self._rest, events)
        self._flush(events)
        self._rest = b""
        return events

    def _take(self, line: bytes, events: list[bytes]) -> None:
        if not line:
            self._flush(events)
        elif line.startswith(b"data:"):
            data = line[5:].removeprefix(b" ")
            if data[:1] in (b"{", b"["):
                self._flush(events)
            self._data.append(data)

    def _flush(self, events: list[bytes]) -> None:
        if self._data:
            events.append(b"\n".join(self._data))
            self._data = []

    def _with_newlines(self, chunk: bytes) -> bytes:
        """A CR at the end of a chunk may be half of a CRLF, so it is kept for the next chunk."""
        if self._held_return:
            chunk = b"\r" + chunk
        self._held_return = chunk.endswith(b"\r")
        if self._held_return:
            chunk = chunk[:-1]
        return chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
