"""Opens a file of any supported container, told by its first bytes and not by its name."""

import gzip
import io
import zlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import IO, cast

from arena.dialects.dialect import Container, Sample
from arena.dialects.fields import BadRow, Row, SourceRow
from arena.dialects.files.bundle_rows import read_bundle
from arena.dialects.files.csv_rows import read_csv
from arena.dialects.files.json_rows import read_json, read_json_lines, starts_with_a_whole_line
from arena.dialects.files.parquet_rows import read_parquet
from arena.dialects.records import Place

GZIP, PARQUET, ZIP = b"\x1f\x8b", b"PAR1", b"PK\x03\x04"
PICKLE = tuple(bytes([0x80, version]) for version in range(2, 6))
PICKLE_SUFFIXES = frozenset({".pkl", ".pickle", ".joblib", ".pt", ".pth"})
BOM = b"\xef\xbb\xbf"
SAMPLE_ROWS = 20
HEAD_BYTES = 1 << 16


class UnreadableFileError(ValueError):
    """A file that is not opened at all."""


class Source:
    """One file. ``rows`` may be called again; ``position`` is in bytes of the file on disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.name
        self.size = path.stat().st_size
        self._raw: IO[bytes] | None = None
        self.is_gzip = False
        self.container = self._recognise()

    @property
    def position(self) -> int:
        return self._raw.tell() if self._raw is not None and not self._raw.closed else self.size

    def rows(self) -> Iterator[SourceRow]:
        """Every row in order, a BadRow for each that cannot be parsed."""
        try:
            yield from self._parsed_rows()
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            yield BadRow(
                Place(self.name, 0),
                "",
                str(error),
                "the compressed file is cut off or damaged; download or compress it again",
                ends_file=True,
            )

    def sample(self) -> Sample:
        rows = (row.value for row in self.rows() if isinstance(row, Row))
        objects = (value for value in rows if isinstance(value, dict))
        return Sample(str(self.path), self.container, tuple(islice(objects, SAMPLE_ROWS)))

    def _parsed_rows(self) -> Iterator[SourceRow]:
        if self.container in ("parquet", "bundle"):
            read = read_parquet if self.container == "parquet" else read_bundle
            with self.path.open("rb") as self._raw:
                yield from read(self._raw, self.name)
            return
        with self.path.open("rb") as self._raw, self._unpacked(self._raw) as stream:
            if stream.peek(3)[:3] == BOM:
                stream.read(3)
            if self.container == "jsonl":
                yield from read_json_lines(stream, self.name)
            elif self.container == "json":
                yield from read_json(stream, self.name)
            else:
                yield from read_csv(stream, self.name)

    def _unpacked(self, raw: IO[bytes]) -> io.BufferedReader:
        if self.is_gzip:
            packed = gzip.GzipFile(fileobj=raw)
            return io.BufferedReader(cast(io.RawIOBase, packed), HEAD_BYTES)
        return cast(io.BufferedReader, raw)

    def _recognise(self) -> Container:
        with self.path.open("rb") as raw:
            head = raw.read(HEAD_BYTES)
        suffixes = {suffix.lower() for suffix in self.path.suffixes}
        self._refuse_pickles(head, suffixes)
        if head.startswith(GZIP):
            self.is_gzip = True
            head = self._unpacked_head()
            self._refuse_pickles(head, suffixes)
        if head.startswith(PARQUET):
            return "parquet"
        if head.startswith(ZIP):
            return "bundle"
        return self._text_container(head.removeprefix(BOM).lstrip(), suffixes)

    def _unpacked_head(self) -> bytes:
        try:
            with gzip.open(self.path) as stream:
                return stream.read(HEAD_BYTES)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise UnreadableFileError(
                f"{self.path}: the compressed file is cut off or damaged ({error}); download or "
                "compress it again"
            ) from error

    def _refuse_pickles(self, head: bytes, suffixes: set[str]) -> None:
        if head.startswith(PICKLE) or suffixes & PICKLE_SUFFIXES:
            raise UnreadableFileError(
                f"{self.path}: this is a Python pickle, and opening one runs whatever code it "
                "carries. It is never opened here; export the data as JSON, CSV or Parquet"
            )

    def _text_container(self, head: bytes, suffixes: set[str]) -> Container:
        if not head:
            raise UnreadableFileError(f"{self.path}: the file is empty")
        if head.startswith(b"["):
            return "json"
        if head.startswith(b"{"):
            is_lines = ".jsonl" in suffixes or starts_with_a_whole_line(head)
            return "jsonl" if is_lines else "json"
        if suffixes & {".jsonl", ".ndjson"}:
            return "jsonl"
        if suffixes & {".json"}:
            return "json"
        if b"\0" in head and not suffixes & {".csv", ".tsv"}:
            raise UnreadableFileError(
                f"{self.path}: this is neither JSON, JSON lines, CSV, Parquet, gzip nor a bundle"
            )
        return "csv"
