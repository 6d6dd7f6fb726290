"""``manage.py import_data``: files of any known format into the database."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandError
from tqdm import tqdm

from arena.dialects import DIALECTS
from arena.dialects.fields import BadRow
from arena.importing import FileReport, ImportReport, import_files
from arena.importing.importer import ImportListener, Phase

INCOMPLETE, USAGE = 1, 2
SHOWN_BAD_ROWS = 100


class Progress:
    """A bar of the bytes of each file, once for checking and once for storing."""

    def __init__(self, *, is_shown: bool) -> None:
        self.is_shown = is_shown
        self.bar: Any = None  # tqdm carries no types
        self.of: tuple[Path, Phase] | None = None

    def show(self, path: Path, phase: Phase, position: int, size: int) -> None:
        if not self.is_shown:
            return
        if self.of != (path, phase):
            self.close()
            self.of = (path, phase)
            label = f"{phase} {path.name}"
            self.bar = tqdm(total=size, unit="B", unit_scale=True, desc=label, file=sys.stderr)
        self.bar.update(position - self.bar.n)

    def close(self) -> None:
        if self.bar is not None:
            self.bar.close()


class Command(BaseCommand):
    help = (
        "Import files of the field: questions, answers, battles, judgments, bundles. Exit code 0: "
        "every file was stored; 1: at least one was not; 2: the command was called wrongly."
    )

    left_to_show: int | None = None

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
        parser.add_argument("--set", dest="question_set", help="the question set to import into")
        parser.add_argument(
            "--format", choices=list(DIALECTS), metavar="FORMAT", help=", ".join(DIALECTS)
        )
        parser.add_argument(
            "--skip-bad", action="store_true", help="store the good rows and list the others"
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="report what would be done, store nothing"
        )
        parser.add_argument("--json", action="store_true", help="report as JSON")

    def handle(self, *_: Any, **options: Any) -> None:
        paths: list[Path] = options["files"]
        missing = [str(path) for path in paths if not path.is_file()]
        if missing:
            raise CommandError(f"no such file: {', '.join(missing)}", returncode=USAGE)
        is_json: bool = options["json"]
        self.left_to_show = None if options["skip_bad"] else SHOWN_BAD_ROWS
        progress = Progress(is_shown=not is_json and sys.stderr.isatty())
        report = import_files(
            paths,
            question_set=options["question_set"],
            format=options["format"],
            skip_bad=options["skip_bad"],
            is_dry_run=options["dry_run"],
            listener=ImportListener(progress.show, self._ignore if is_json else self._complain),
        )
        progress.close()
        if not is_json and self.left_to_show == 0 and report.bad_row_count > SHOWN_BAD_ROWS:
            self.stderr.write(f"… and {report.bad_row_count - SHOWN_BAD_ROWS} more bad rows")
        if is_json:
            self.stdout.write(json.dumps(report.as_json(), ensure_ascii=False, indent=2))
        else:
            self._tell(report)
        if not report.is_complete:
            sys.exit(INCOMPLETE)

    def _complain(self, bad: BadRow) -> None:
        """What is skipped is listed in full; a file that is refused anyway, by its first rows."""
        if self.left_to_show is None:
            self.stderr.write(str(bad))
        elif self.left_to_show > 0:
            self.left_to_show -= 1
            self.stderr.write(str(bad))

    def _ignore(self, _: BadRow) -> None:
        """The JSON report lists bad rows itself."""

    def _tell(self, report: ImportReport) -> None:
        for file in report.files:
            self.stdout.write(f"{file.file}: {describe(file)}")
        if report.is_dry_run:
            self.stdout.write("Dry run: nothing was stored.")


def describe(file: FileReport) -> str:
    """What became of a file, in a sentence."""
    if file.error:
        return file.error
    bad = _counted(file.bad_row_count, "bad row") if file.bad_row_count else ""
    if not file.is_stored:
        hint = "nothing of this file was stored; mend it or use --skip-bad"
        return f"{bad} ({file.format or 'unknown format'}): {hint}"
    stored = [f"{_counted(n, kind)} stored" for kind, n in file.stored.items() if n]
    there = [f"{_counted(n, kind)} already there" for kind, n in file.already_there.items() if n]
    ignored = [f"{n} ignored ({reason})" for reason, n in file.ignored.items()]
    skipped = [f"{bad} skipped"] if bad else []
    parts = ", ".join([*stored, *there, *ignored, *skipped]) or "no rows"
    return f"{parts} ({file.format}, set {file.question_set})"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
