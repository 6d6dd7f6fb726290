"""``manage.py judge_report``: what came of a judge run, as one HTML file."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandError

from judging.models import JudgeRun
from judging.report import report_html


class Command(BaseCommand):
    help = "Write a judge run's report as one HTML file that needs nothing else."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("run", type=int, help="the run's number")
        parser.add_argument("--out", type=Path, required=True, metavar="FILE")

    def handle(self, *_: Any, **options: Any) -> None:
        run = JudgeRun.objects.filter(pk=options["run"]).first()
        if run is None:
            raise CommandError(f"there is no judge run {options['run']}", returncode=2)
        options["out"].write_text(report_html(run), encoding="utf-8")
        self.stdout.write(f"wrote {options['out']}")
