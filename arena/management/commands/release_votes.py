"""``manage.py release_votes``: publish the votes in one of the field's formats."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandError

from arena.dialects import DIALECTS
from arena.dialects.files.writing import write_file
from arena.voting.release import (
    DEFAULT_MOST_PER_PROMPT,
    ReleaseOptions,
    ReleaseReport,
    released_battles,
)
from arena.voting.releasing import release_formats


class Command(BaseCommand):
    help = "Write counted votes without voters and personal data, and say what was held back."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--out", required=True, help="the file to write")
        parser.add_argument("--format", default="fastchat_battles", choices=list(release_formats()))
        parser.add_argument("--set", dest="question_set", default="", help="only this set")
        parser.add_argument("--most-per-prompt", type=int, default=DEFAULT_MOST_PER_PROMPT)
        parser.add_argument(
            "--fewest-askers",
            type=int,
            default=1,
            help="live prompts sent by fewer different voters are held back",
        )
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument("--include-demo", action="store_true")
        parser.add_argument("--json", action="store_true", help="report as JSON")

    def handle(self, *_: Any, **options: Any) -> None:
        path = Path(options["out"])
        if not path.parent.is_dir():
            raise CommandError(f"no such folder: {path.parent}", returncode=2)
        dialect, report = DIALECTS.get(options["format"])(), ReleaseReport()
        chosen = ReleaseOptions(
            question_set=options["question_set"],
            most_per_prompt=options["most_per_prompt"],
            fewest_askers=options["fewest_askers"],
            seed=options["seed"],
            include_demo=options["include_demo"],
        )
        rows = dialect.write_records(released_battles(chosen, report))
        write_file(path, rows, container=dialect.container, columns=dialect.columns)
        if options["json"]:
            self.stdout.write(json.dumps(report.as_json()))
            return
        self.stdout.write(f"{report.released} votes released to {path}")
        for reason, n in sorted(report.held_back.items()):
            self.stdout.write(f"  held back, {reason}: {n}")
        for kind, n in sorted(report.removed.items()):
            self.stdout.write(f"  removed, {kind}: {n}")
