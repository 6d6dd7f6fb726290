"""Rows out of CSV and TSV files with cells of any size."""

import csv
import io
from collections.abc import Iterator

from arena.dialects.fields import BadRow, Row, SourceRow, shortened
from arena.dialects.files.json_rows import MAX_ROW_BYTES, decode_line
from arena.dialects.records import Place


class _Lines:
    """Decoded lines; remembers the last undecodable one so that its row can be refused."""

    def __init__(self, stream: io.BufferedReader, name: str) -> None:
        self.stream = stream
        self.name = name
        self.number = 0
        self.bad: BadRow | None = None

    def __iter__(self) -> Iterator[str]:
        for line in self.stream:
            self.number += 1
            text = decode_line(line, Place(self.name, self.number))
            if isinstance(text, BadRow):
                self.bad = text
                text = line.decode(errors="replace")
            if "\0" in text:
                place = Place(self.name, self.number)
                self.bad = BadRow(place, "", shortened(text), "a NUL character; remove it")
                text = text.replace("\0", "")
            yield text

    def take_bad(self) -> BadRow | None:
        bad, self.bad = self.bad, None
        return bad


def read_csv(stream: io.BufferedReader, name: str) -> Iterator[SourceRow]:
    """A header line, then one mapping of column to cell per row; all cells are texts.

    ``line`` is the line a row starts on: a quoted cell may hold line breaks.
    """
    csv.field_size_limit(MAX_ROW_BYTES)
    lines = _Lines(stream, name)
    delimiter = _delimiter(stream)
    reader = csv.reader(iter(lines), delimiter=delimiter, strict=True)
    header = next(reader, [])
    twice = sorted({column for column in header if header.count(column) > 1})
    if twice:
        remedy = "this column occurs twice; rename one"
        yield BadRow(Place(name, 1), twice[0], "", remedy, ends_file=True)
        return
    while True:
        place = Place(name, reader.line_num + 1)
        try:
            cells = next(reader, None)
        except csv.Error as error:
            yield BadRow(place, "", "", f"not CSV: {error}; quote the cell properly")
            continue
        if cells is None:
            return
        yield from _row(cells, header, place, lines)


def _row(cells: list[str], header: list[str], place: Place, lines: _Lines) -> Iterator[SourceRow]:
    if bad := lines.take_bad():
        yield bad
    elif not cells:
        return
    elif len(cells) != len(header):
        remedy = f"{len(cells)} cells under {len(header)} columns; quote commas and line breaks"
        yield BadRow(place, "", shortened(",".join(cells)), remedy)
    else:
        yield Row(dict(zip(header, cells, strict=True)), place)


def _delimiter(stream: io.BufferedReader) -> str:
    head = stream.peek(4096).partition(b"\n")[0]
    return max(",\t;", key=lambda character: head.count(character.encode()))
