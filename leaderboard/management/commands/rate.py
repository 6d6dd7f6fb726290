"""Fit a board and store a snapshot."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand, CommandError

from leaderboard.ratings import METHODS, RatingError
from leaderboard.selectors import (
    UnknownBoardError,
    get_board,
    rating_rows,
    snapshot_as_json,
)
from leaderboard.services import BoardError, NoDataError, take_snapshot
from leaderboard.tables import board_text
from registry import UnknownPartError


class Command(BaseCommand):
    help = "Fit a board's ratings from the stored votes and verdicts and keep them as a snapshot."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("board")
        parser.add_argument(
            "--method", help=f"instead of the board's own: {', '.join(METHODS.names())}"
        )
        parser.add_argument("--options", default="{}", help="the method's options as JSON")
        parser.add_argument("--json", action="store_true", help="print the snapshot as JSON")

    def handle(self, *_: Any, **options: Any) -> None:
        try:
            given = json.loads(options["options"])
        except json.JSONDecodeError as error:
            raise CommandError(
                f"--options {options['options']!r} is not JSON ({error})", returncode=2
            ) from None
        try:
            board = get_board(options["board"])
            snapshot = take_snapshot(
                board=board,
                method_name=options["method"],
                options=given or None,
            )
        except NoDataError as error:
            raise CommandError(f"board {options['board']!r}: {error}", returncode=3) from None
        except (UnknownBoardError, UnknownPartError, BoardError) as error:
            raise CommandError(str(error), returncode=2) from None
        except RatingError as error:
            raise CommandError(str(error), returncode=1) from None
        rows = rating_rows(snapshot)
        if options["json"]:
            shown = json.dumps(snapshot_as_json(snapshot, rows), ensure_ascii=False, indent=2)
        else:
            shown = board_text(snapshot, rows)
        self.stdout.write(shown)
