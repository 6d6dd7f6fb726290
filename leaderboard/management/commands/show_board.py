"""Print a board's newest snapshot."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand, CommandError

from leaderboard.selectors import (
    UnknownBoardError,
    get_board,
    rating_rows,
    snapshot_as_json,
)
from leaderboard.tables import board_csv, board_text


class Command(BaseCommand):
    help = "Show a board's stored ratings: as a table, as JSON or as CSV."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("board")
        parser.add_argument("--snapshot", type=int, help="its number; the newest by default")
        form = parser.add_mutually_exclusive_group()
        form.add_argument("--json", action="store_true")
        form.add_argument("--csv", action="store_true")

    def handle(self, *_: Any, **options: Any) -> None:
        try:
            board = get_board(options["board"])
        except UnknownBoardError as error:
            raise CommandError(str(error), returncode=2) from None
        snapshots = board.snapshots.filter(slice_key="").order_by("-number")
        number = options["snapshot"]
        snapshot = (snapshots.filter(number=number) if number else snapshots).first()
        if snapshot is None:
            wanted = f"no snapshot {number}" if number else "no snapshot yet"
            raise CommandError(
                f"board {board.slug!r} has {wanted}; make one with `manage.py rate {board.slug}`",
                returncode=3,
            )
        rows = rating_rows(snapshot)
        if options["json"]:
            shown = json.dumps(snapshot_as_json(snapshot, rows), ensure_ascii=False, indent=2)
        elif options["csv"]:
            shown = board_csv(rows).rstrip("\n")
        else:
            shown = board_text(snapshot, rows)
        self.stdout.write(shown)
