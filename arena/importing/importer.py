"""The import of files: recognise, check, store, report."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from pathlib import Path
from typing import Literal

from django.db import DataError, IntegrityError, transaction

from arena.dialects import DIALECTS
from arena.dialects.dialect import Dialect, UnrecognisedFormatError, recognise
from arena.dialects.fields import BadRow, Row, shortened
from arena.dialects.files.source import Source, UnreadableFileError
from arena.dialects.records import (
    KIND_OF_RECORD,
    NOWHERE,
    RECORD_KINDS,
    IgnoredRow,
    Place,
    Record,
)
from arena.importing.context import BATCH, ImportContext
from arena.importing.limits import unstorable
from arena.importing.report import FileReport, ImportReport
from arena.importing.sinks import sink_of

Phase = Literal["checking", "storing"]
PROGRESS_EVERY = 500  # rows


@dataclass(frozen=True, slots=True)
class ImportListener:
    """What to call while an import goes on; positions and sizes are bytes of the file."""

    on_progress: Callable[[Path, Phase, int, int], None] = lambda *_: None
    on_bad_row: Callable[[BadRow], None] = lambda _: None


@dataclass(slots=True)
class _Job:
    """One file and what is known about it before it is read in full."""

    source: Source
    dialect: type[Dialect]
    report: FileReport
    order: int
    listener: ImportListener

    def records(self, phase: Phase) -> Iterator[Record]:
        """Every good record; bad and ignored rows go into the report."""
        items = self.dialect().read(self.source.rows())
        for number, item in enumerate(items):
            if number % PROGRESS_EVERY == 0:
                self._tell(phase)
            if isinstance(item, BadRow):
                self.refuse(item)
            elif isinstance(item, IgnoredRow):
                self.report.ignored[item.reason] += 1
            elif bad := unstorable(item):
                self.refuse(bad)
            else:
                yield item
        self._tell(phase)

    def refuse(self, bad: BadRow) -> None:
        self.report.add_bad(bad)
        self.listener.on_bad_row(bad)

    def _tell(self, phase: Phase) -> None:
        source = self.source
        self.listener.on_progress(source.path, phase, source.position, source.size)


def import_files(
    paths: Sequence[Path],
    *,
    question_set: str | None = None,
    format: str | None = None,
    skip_bad: bool = False,
    is_dry_run: bool = False,
    listener: ImportListener | None = None,
) -> ImportReport:
    """Import files, those that others point at (questions, then answers) first.

    A file is stored as a whole or not at all; with ``skip_bad`` its good rows are stored and the
    others reported. ``question_set`` is where questions go that do not name a set; without it
    each format has a set of its own. Importing a file again changes nothing. Raises
    UnknownPartError for a ``format`` that does not exist.
    """
    report = ImportReport(is_dry_run=is_dry_run)
    listener = listener or ImportListener()
    forced = DIALECTS.get(format) if format else None
    jobs = []
    for path in paths:
        file_report = FileReport(str(path))
        report.files.append(file_report)
        try:
            jobs.append(_job(path, forced, file_report, listener))
        except _NothingToRead as error:
            file_report.add_bad(error.bad)
            listener.on_bad_row(error.bad)
        except (UnreadableFileError, UnrecognisedFormatError, OSError) as error:
            file_report.error = str(error)
    for job in sorted(jobs, key=lambda job: job.order):
        job.report.question_set = question_set or job.dialect.default_set
        _import_file(job, skip_bad=skip_bad, is_dry_run=is_dry_run)
    return report


def _job(
    path: Path, forced: type[Dialect] | None, report: FileReport, listener: ImportListener
) -> _Job:
    source = Source(path)
    sample = source.sample()
    if not sample.rows:
        raise _NothingToRead(_first_bad_row(source))
    dialect = forced or recognise(sample)
    report.format = dialect.name
    rows = [Row(row, NOWHERE) for row in sample.rows]
    first = next((r for r in dialect().read(rows) if not isinstance(r, BadRow | IgnoredRow)), None)
    kinds = list(RECORD_KINDS.values())
    order = kinds.index(type(first)) if first is not None else len(kinds)
    return _Job(source, dialect, report, order, listener)


class _NothingToRead(ValueError):
    """A file without a single row that can be parsed."""

    def __init__(self, bad: BadRow) -> None:
        super().__init__(str(bad))
        self.bad = bad


def _first_bad_row(source: Source) -> BadRow:
    for row in source.rows():
        if isinstance(row, BadRow):
            return row
        remedy = "expected an object {…} in every row"
        return BadRow(row.place, "", shortened(row.value), remedy)
    return BadRow(Place(source.name), "", "", "the file holds no rows")


def _import_file(job: _Job, *, skip_bad: bool, is_dry_run: bool) -> None:
    # a file with bad rows is refused before the database is touched: on SQLite storing holds the
    # one write lock, and a large file would hold it for nothing
    if not skip_bad:
        for _ in job.records("checking"):
            pass
        if job.report.bad_row_count:
            return
        job.report.ignored.clear()
    try:
        with transaction.atomic():
            _store(job)
            is_refused = job.report.bad_row_count > 0 and not skip_bad
            if is_refused or is_dry_run:
                transaction.set_rollback(True)
    except (DataError, IntegrityError) as error:
        is_refused = True
        job.report.error = (
            f"{job.source.path}: the database refused a row, so nothing of the file was stored: "
            f"{str(error).strip()}. If another import was running, run this one again"
        )
    if is_refused:
        job.report.stored.clear()
        job.report.already_there.clear()
    job.report.is_stored = not is_refused


def _store(job: _Job) -> None:
    context = ImportContext(question_set=job.report.question_set)
    for kind, group in groupby(job.records("storing"), key=type):
        while batch := list(islice(group, BATCH)):
            result = sink_of(batch[0])(batch, context)
            job.report.stored[KIND_OF_RECORD[kind]] += result.stored
            job.report.already_there[KIND_OF_RECORD[kind]] += result.already_there
            for bad in result.bad:
                job.refuse(bad)
