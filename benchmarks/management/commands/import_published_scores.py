"""Published scores from a terminal."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandError

from benchmarks.questions.tasks import read_file
from benchmarks.services.published import import_published_scores
from benchmarks.suites_base import TaskError


class Command(BaseCommand):
    help = "Store published scores (CSV or JSONL: model, task, value, source…) to compare with."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *_: Any, **options: Any) -> None:
        path = options["file"]
        try:
            count = import_published_scores(read_file(path), path.name)
        except TaskError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{count} published scores are stored.")
