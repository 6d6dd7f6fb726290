"""Work out the derived categories of questions again."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand

from leaderboard.traits import VERSION, classify_outdated_questions


class Command(BaseCommand):
    help = "Classify questions that have no derived categories yet, or those of older rules."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true")

    def handle(self, *_: Any, **options: Any) -> None:
        count = classify_outdated_questions()
        if options["json"]:
            self.stdout.write(json.dumps({"classified": count, "version": VERSION}))
        else:
            self.stdout.write(f"Classified {count} questions by rules {VERSION}.")
