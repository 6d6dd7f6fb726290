"""Remove the bundled demo."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand

from leaderboard.demo import remove_demo


class Command(BaseCommand):
    help = "Remove everything that came with the bundled demo, and nothing else."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true")

    def handle(self, *_: Any, **options: Any) -> None:
        counts = remove_demo()
        if options["json"]:
            self.stdout.write(json.dumps(counts))
            return
        told = ", ".join(f"{count} {name}" for name, count in counts.items())
        self.stdout.write(f"Removed {told}." if told else "There was no demo to remove.")
