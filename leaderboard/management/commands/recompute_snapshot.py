"""Recompute a published snapshot from its bundle, without a database."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandError

from leaderboard.bundles import BundleError, Recomputed, read_bundle, recompute


class Command(BaseCommand):
    help = "Recompute a snapshot from its bundle and compare every number; needs no database."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("bundle", type=Path, help="the .zip downloaded from a board")
        parser.add_argument("--json", action="store_true")

    def handle(self, *_: Any, **options: Any) -> None:
        try:
            bundle = read_bundle(options["bundle"])
        except BundleError as error:
            raise CommandError(str(error), returncode=2) from None
        result = recompute(bundle)
        if options["json"]:
            told = {"ratings": result.ratings.to_rows(), "differences": result.differences}
            self.stdout.write(json.dumps(told, ensure_ascii=False, indent=2))
        else:
            self.stdout.write(_told(result))
        if result.differences:
            raise CommandError(
                f"{len(result.differences)} numbers differ from the published ones, by at most "
                f"{result.largest_difference:.3g}; another version of numpy or its linear algebra "
                "may round differently, a larger gap means that the bundle was changed",
                returncode=1,
            )


def _told(result: Recomputed) -> str:
    lines = [
        f"{place:>4}  {row['rating']:>10.4f}  {row['model']}"
        for place, row in enumerate(result.ratings.to_rows(), start=1)
        if row["rating"] is not None
    ]
    if not result.differences:
        lines.append("Every rating and interval is the published one, bit for bit.")
    return "\n".join(lines)
