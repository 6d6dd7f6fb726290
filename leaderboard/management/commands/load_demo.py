"""Load the bundled demo."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand

from leaderboard.demo import is_loaded, load_demo, was_removed


class Command(BaseCommand):
    help = "Load the bundled demo: questions, answers, verdicts and votes, all invented."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--if-wanted",
            action="store_true",
            help="do nothing when the demo is there or was removed on purpose",
        )
        parser.add_argument("--json", action="store_true")

    def handle(self, *_: Any, **options: Any) -> None:
        if options["if_wanted"] and (was_removed() or is_loaded()):
            return
        report = load_demo()
        if options["json"]:
            self.stdout.write(json.dumps({"is_new": report.is_new, **report.counts}))
        elif report.is_new:
            told = ", ".join(f"{count} {name}" for name, count in report.counts.items())
            self.stdout.write(f"Loaded the demo: {told}.")
        else:
            self.stdout.write("The demo is loaded already; nothing was changed.")
