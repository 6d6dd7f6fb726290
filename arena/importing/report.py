"""What an import did, file by file."""

from collections import Counter
from dataclasses import dataclass, field

from pydantic import JsonValue

from arena.dialects.fields import BadRow

LISTED_BAD_ROWS = 1000  # per file; all are counted, and all are passed to ``on_bad_row``


@dataclass(slots=True)
class FileReport:
    """``stored`` and ``already_there`` count records by kind; ``error`` is of the whole file."""

    file: str
    format: str = ""
    question_set: str = ""
    stored: Counter[str] = field(default_factory=Counter)
    already_there: Counter[str] = field(default_factory=Counter)
    ignored: Counter[str] = field(default_factory=Counter)
    bad_row_count: int = 0
    bad_rows: list[BadRow] = field(default_factory=list)
    error: str = ""
    is_stored: bool = False

    @property
    def is_clean(self) -> bool:
        return not self.error and self.bad_row_count == 0

    def add_bad(self, bad: BadRow) -> None:
        self.bad_row_count += 1
        if len(self.bad_rows) < LISTED_BAD_ROWS:
            self.bad_rows.append(bad)

    def as_json(self) -> dict[str, JsonValue]:
        return {
            "file": self.file,
            "format": self.format,
            "question_set": self.question_set,
            "is_stored": self.is_stored,
            "stored": dict(self.stored),
            "already_there": dict(self.already_there),
            "ignored": dict(self.ignored),
            "bad_row_count": self.bad_row_count,
            "bad_rows": [_bad_row_as_json(bad) for bad in self.bad_rows],
            "error": self.error,
        }


def _bad_row_as_json(bad: BadRow) -> dict[str, JsonValue]:
    return {
        "file": bad.place.file,
        "line": bad.place.line,
        "field": bad.field,
        "value": bad.value,
        "remedy": bad.remedy,
    }


@dataclass(slots=True)
class ImportReport:
    files: list[FileReport] = field(default_factory=list)
    is_dry_run: bool = False

    @property
    def is_complete(self) -> bool:
        """True when every file was stored; with bad rows skipped it still is."""
        return all(report.is_stored for report in self.files)

    @property
    def stored(self) -> Counter[str]:
        return sum((report.stored for report in self.files), Counter())

    @property
    def already_there(self) -> Counter[str]:
        return sum((report.already_there for report in self.files), Counter())

    @property
    def bad_row_count(self) -> int:
        return sum(report.bad_row_count for report in self.files)

    def as_json(self) -> dict[str, JsonValue]:
        return {
            "is_complete": self.is_complete,
            "is_dry_run": self.is_dry_run,
            "stored": dict(self.stored),
            "already_there": dict(self.already_there),
            "bad_row_count": self.bad_row_count,
            "files": [report.as_json() for report in self.files],
        }
