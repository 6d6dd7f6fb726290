"""``manage.py forget_visitors``: remove visitors who left nothing behind, all of them, now."""

from __future__ import annotations

import math
from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand

from arena.voting.forgetting import count_idle_visitors, forget_idle_visitors


class Command(BaseCommand):
    help = "Remove visitors of a week ago and longer who left nothing behind; a worker does daily."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--count", action="store_true", help="only say how many there are")

    def handle(self, *_: Any, **options: Any) -> None:
        if options["count"]:
            self.stdout.write(f"{count_idle_visitors()} visitors left nothing behind")
            return
        forgotten, _looked_at = forget_idle_visitors(seconds=math.inf)
        self.stdout.write(f"{forgotten} visitors removed who left nothing behind")
