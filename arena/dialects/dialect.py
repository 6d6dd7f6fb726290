"""What a file format must be able to do."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePath
from typing import ClassVar, Literal

from pydantic import JsonValue

from arena.dialects import DIALECTS
from arena.dialects.fields import BadRow, FieldError, Fields, SourceRow
from arena.dialects.records import IgnoredRow, Record

Container = Literal["json", "jsonl", "csv", "parquet", "bundle"]
SURE, LIKELY, POSSIBLE, NO = 1.0, 0.8, 0.5, 0.0
ACCEPTED_CONFIDENCE = POSSIBLE


@dataclass(frozen=True, slots=True)
class Sample:
    """The first rows of a file, for recognising its format."""

    path: str
    container: Container
    rows: tuple[dict[str, JsonValue], ...]

    def have(self, *keys: str) -> bool:
        """True when every sampled row has all ``keys``, filled or null."""
        return bool(self.rows) and all(key in row for row in self.rows for key in keys)

    def mention(self, *keys: str) -> bool:
        """True when some sampled row has one of ``keys``."""
        return any(key in row for row in self.rows for key in keys)

    def first(self, key: str) -> JsonValue:
        """The first filled value of ``key``."""
        return next((row[key] for row in self.rows if row.get(key) is not None), None)

    def path_mentions(self, word: str) -> bool:
        """True when the file or the folder it lies in is named so."""
        return any(word in part for part in PurePath(self.path).parts[-3:])


class Dialect(ABC):
    """One file format. Subclasses are made anew for each file, so they may remember rows."""

    name: ClassVar[str]
    label: ClassVar[str]
    container: ClassVar[Container] = "jsonl"
    columns: ClassVar[tuple[str, ...]] = ()
    default_set: ClassVar[str] = "imported"
    writes: ClassVar[tuple[type[Record], ...]] = ()

    @abstractmethod
    def detect(self, sample: Sample) -> float:
        """How surely ``sample`` is of this format, 0 to 1."""

    @abstractmethod
    def read_row(self, fields: Fields) -> Iterable[Record | IgnoredRow]:
        """The records of one row; raises FieldError for a row that breaks the format."""

    def write_records(self, records: Iterable[Record]) -> Iterator[dict[str, JsonValue]]:
        """Rows of this format, for the kinds of record in ``writes``."""
        raise TypeError(f"the format {self.name} can be read but not written")

    def read(self, rows: Iterable[SourceRow]) -> Iterator[Record | IgnoredRow | BadRow]:
        """All records of a file, each bad row in its place."""
        for row in rows:
            if isinstance(row, BadRow):
                yield row
                continue
            try:
                yield from list(self.read_row(Fields.of(row.value, row.place)))
            except FieldError as error:
                yield error.at(row.place)


class UnrecognisedFormatError(ValueError):
    """No format, or more than one, fits the content of a file."""


def writable_formats() -> list[str]:
    return [name for name, dialect in DIALECTS.items() if dialect.writes]


def recognise(sample: Sample) -> type[Dialect]:
    """The format that fits ``sample`` best; raises UnrecognisedFormatError with the choices."""
    graded = [(dialect().detect(sample), name) for name, dialect in DIALECTS.items()]
    best = max(confidence for confidence, _ in graded)
    names = [name for confidence, name in graded if confidence == best]
    if best < ACCEPTED_CONFIDENCE:
        columns = ", ".join(sample.rows[0]) if sample.rows else "none"
        raise UnrecognisedFormatError(
            f"{sample.path}: no known format has these fields: {columns[:300]}. Name the format "
            f"with --format; the formats are: {', '.join(DIALECTS)}"
        )
    if len(names) > 1:
        raise UnrecognisedFormatError(
            f"{sample.path}: this could be {' or '.join(names)}. Choose one with --format"
        )
    return DIALECTS.get(names[0])
