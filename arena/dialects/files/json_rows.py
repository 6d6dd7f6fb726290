"""Rows out of JSON lines, and out of one JSON array or object too large to load at once.

The standard library's decoder is used on a window of text that grows only as far as one row:
unlike the event parsers it keeps line numbers and sees keys that occur twice.
"""

import io
import json
from codecs import getincrementaldecoder
from collections.abc import Iterator
from dataclasses import replace

from pydantic import JsonValue

from arena.dialects.fields import (
    BadRow,
    FieldError,
    Row,
    SourceRow,
    check_storable,
    shortened,
)
from arena.dialects.records import Place

MAX_ROW_BYTES = 64 << 20  # far above any real conversation, images included
MAX_DEPTH = 60  # real rows nest about ten deep
WINDOW_BYTES = 1 << 20
BLANK = " \t\r\n"


def _unique(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    values = dict(pairs)
    if len(values) == len(pairs):
        return values
    seen: set[str] = set()
    for key, value in pairs:
        if key in seen:
            raise FieldError(key, value, "this key occurs twice in one object; keep one")
        seen.add(key)
    return values


def _no_constant(spelling: str) -> JsonValue:
    raise FieldError("", spelling, "this is not JSON; write a number or null")


DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant)
TOO_DEEP = f"more than {MAX_DEPTH} levels of nesting; flatten the row"
TOO_LARGE = f"the row is larger than {MAX_ROW_BYTES >> 20} MiB; split or shorten it"


def _depth(value: JsonValue) -> int:
    depth, level = 0, [value]
    while level:
        depth += 1
        inner: list[JsonValue] = []
        for item in level:
            if isinstance(item, dict):
                inner.extend(item.values())
            elif isinstance(item, list):
                inner.extend(item)
        level = inner
    return depth


def parse_row(raw: str, place: Place) -> SourceRow:
    """One JSON value, or why it is none."""
    try:
        value: JsonValue = DECODER.decode(raw)
    except json.JSONDecodeError as error:
        near = shortened(raw[max(0, error.pos - 20) : error.pos + 40])
        return BadRow(place, f"column {error.pos + 1}", near, f"not JSON: {error.msg}")
    except RecursionError:
        return BadRow(place, "", shortened(raw), TOO_DEEP)
    except FieldError as error:
        return error.at(place)
    return _checked(value, raw, place)


def _checked(value: JsonValue, raw: str, place: Place) -> SourceRow:
    # the count of opening brackets bounds the depth, and is far cheaper to get
    if raw.count("[") + raw.count("{") > MAX_DEPTH and _depth(value) > MAX_DEPTH:
        return BadRow(place, "", shortened(raw), TOO_DEEP)
    try:
        check_storable(value, raw)
    except FieldError as error:
        return error.at(place)
    return Row(value, place)


def decode_line(line: bytes, place: Place) -> str | BadRow:
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        shown = shortened(line[max(0, error.start - 20) : error.end + 20].decode(errors="replace"))
        remedy = f"byte {error.start + 1} of the line is not UTF-8; save the file as UTF-8"
        return BadRow(place, "", shown, remedy)


def read_json_lines(stream: io.BufferedReader, name: str) -> Iterator[SourceRow]:
    """One row per line; lines end at ``\\n`` alone, since U+2028 is legal inside a JSON text."""
    number = 0
    while line := stream.readline(MAX_ROW_BYTES + 1):
        number += 1
        place = Place(name, number)
        if len(line) > MAX_ROW_BYTES:
            yield BadRow(place, "", "", TOO_LARGE)
            while line and not line.endswith(b"\n"):
                line = stream.readline(MAX_ROW_BYTES)
            continue
        text = decode_line(line, place)
        if isinstance(text, BadRow):
            yield text
        elif stripped := text.strip(BLANK):
            yield parse_row(stripped, place)


def starts_with_a_whole_line(head: bytes) -> bool:
    """True when the first line is a JSON object by itself, so the file is JSON lines."""
    line, newline, _ = head.partition(b"\n")
    if not newline:
        return False
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


class _Window:
    """The part of a text that is being looked at, with the line it starts on."""

    def __init__(self, stream: io.BufferedReader) -> None:
        self.stream = stream
        self.decoder = getincrementaldecoder("utf-8")()
        self.text = ""
        self.at = 0
        self.line = 1
        self.is_ended = False

    def grow(self) -> bool:
        """Read on, at least doubling what is in view, so that a large row costs linear time."""
        if self.is_ended:
            return False
        pending = self.text[self.at :]
        chunk = self.stream.read(max(WINDOW_BYTES, len(pending)))
        self.is_ended = not chunk
        self.text = pending + self.decoder.decode(chunk, final=self.is_ended)
        self.at = 0
        return True

    def move_to(self, end: int) -> None:
        self.line += self.text.count("\n", self.at, end)
        self.at = end

    def peek(self, skipped: str = BLANK) -> str:
        """The next character after ``skipped`` ones, "" at the end."""
        while True:
            end = self.at
            while end < len(self.text) and self.text[end] in skipped:
                end += 1
            self.move_to(end)
            if end < len(self.text):
                return self.text[end]
            if not self.grow():
                return ""


def read_json(stream: io.BufferedReader, name: str) -> Iterator[SourceRow]:
    """The items of an array, or the objects of a file that simply strings them together."""
    window = _Window(stream)
    try:
        is_array = window.peek() == "["
        if is_array:
            window.move_to(window.at + 1)
        ends = ("", "]") if is_array else ("",)
        while window.peek(BLANK + ",") not in ends:
            row = _next_row(window, name)
            yield row
            if isinstance(row, BadRow) and row.ends_file:
                return
        if is_array:
            yield from _check_end(window, name)
    except UnicodeDecodeError as error:
        remedy = "not UTF-8 from here on; save the file as UTF-8"
        shown = shortened(error.object[error.start : error.end + 20].decode(errors="replace"))
        yield BadRow(Place(name, window.line), "", shown, remedy, ends_file=True)


def _check_end(window: _Window, name: str) -> Iterator[BadRow]:
    if window.peek() != "]":
        remedy = "the array is not closed: the file is cut off; get the whole file"
        yield BadRow(Place(name, window.line), "", "", remedy, ends_file=True)
        return
    window.move_to(window.at + 1)
    if window.peek():
        shown = shortened(window.text[window.at : window.at + 60])
        remedy = "text after the end of the array; remove it"
        yield BadRow(Place(name, window.line), "", shown, remedy, ends_file=True)


def _next_row(window: _Window, name: str) -> SourceRow:
    while True:
        place = Place(name, window.line)
        if len(window.text) - window.at > MAX_ROW_BYTES:
            return BadRow(place, "", "", TOO_LARGE, ends_file=True)
        try:
            value, end = DECODER.raw_decode(window.text, window.at)
        except json.JSONDecodeError as error:
            if window.is_ended:
                return _cut_off(window, name, error)
        except RecursionError:
            return BadRow(place, "", "", TOO_DEEP, ends_file=True)
        except FieldError as error:
            if bad := _past_bad_value(window, error.at(place)):
                return bad
        else:
            # a number at the edge of the window may go on in the next chunk
            if end < len(window.text) or window.is_ended:
                raw = window.text[window.at : end]
                window.move_to(end)
                return _checked(value, raw, place)
        window.grow()


def _past_bad_value(window: _Window, bad: BadRow) -> BadRow | None:
    """Step over a value that is JSON but not acceptable; None while it is not all in view."""
    try:
        _, end = LENIENT_DECODER.raw_decode(window.text, window.at)
    except json.JSONDecodeError:
        return replace(bad, ends_file=True) if window.is_ended else None
    window.move_to(end)
    return bad


def _cut_off(window: _Window, name: str, error: json.JSONDecodeError) -> BadRow:
    line = window.line + window.text.count("\n", window.at, error.pos)
    near = shortened(window.text[error.pos : error.pos + 60])
    remedy = f"not JSON from here on: {error.msg}; mend the file"
    return BadRow(Place(name, line), "", near, remedy, ends_file=True)


LENIENT_DECODER = json.JSONDecoder()
