"""``manage.py export_data``: rows of the database into a file of any format that can be written."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandError

from arena.dialects.dialect import writable_formats
from arena.exporting import ExportError, export_data

USAGE = 2
STANDARD_OUTPUT = "-"


class Command(BaseCommand):
    help = (
        "Export questions, answers, battles, judgments or, with --format agon_bundle, everything. "
        "Exit code 0: the file is complete; 2: the command was called wrongly."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        formats = writable_formats()
        parser.add_argument(
            "--format", required=True, choices=formats, metavar="FORMAT", help=", ".join(formats)
        )
        parser.add_argument("--out", required=True, help="the file to write; - for the screen")
        parser.add_argument("--set", dest="question_set", default="", help="only this set")
        parser.add_argument("--models", nargs="+", default=[], help="only these models, by slug")
        parser.add_argument("--judge", default="", help="only this judge's verdicts, by slug")
        parser.add_argument("--json", action="store_true", help="report as JSON")

    def handle(self, *_: Any, **options: Any) -> None:
        out: str = options["out"]
        path = Path(out)
        if out != STANDARD_OUTPUT and not path.parent.is_dir():
            raise CommandError(f"no such folder: {path.parent}", returncode=USAGE)
        try:
            rows = export_data(
                format=options["format"],
                out=sys.stdout.buffer if out == STANDARD_OUTPUT else path,
                question_set=options["question_set"],
                models=tuple(options["models"]),
                judge=options["judge"],
            )
        except ExportError as error:
            raise CommandError(str(error), returncode=USAGE) from error
        if options["json"]:
            report = {"format": options["format"], "file": out, "rows": rows}
            # where the rows themselves go to the screen, the report must not mix with them
            report_to = self.stderr if out == STANDARD_OUTPUT else self.stdout
            report_to.write(json.dumps(report))
        elif out != STANDARD_OUTPUT:
            self.stdout.write(f"{rows} rows written to {out} ({options['format']})")
