"""Django's own command with this project's settings, and with the texts that come as data."""

from __future__ import annotations

import json
from pathlib import Path

from django.conf import settings
from django.core.management.base import CommandParser
from django.core.management.commands import makemessages

from leaderboard.shipped_texts import shipped_texts

# vendor: the libraries speak for themselves; gallery: a page for developers
IGNORED = (
    ".venv",
    "var",
    "tests",
    "docs",
    "static",
    "examples",
    "gallery.html",
    "style_gallery.py",
)


class Command(makemessages.Command):
    """Fill locale/ with every text a page can show; run without arguments, as `make messages` does.

    Places are kept by file, not by line, so that a moved line is no change of the catalogue.
    """

    # a guess from a similar sentence is worse than an empty entry: it looks done
    msgmerge_options = [*makemessages.Command.msgmerge_options, "--no-fuzzy-matching"]

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.set_defaults(
            locale=["zh_Hans"],
            ignore_patterns=list(IGNORED),
            add_location="file",
            no_wrap=True,
            no_obsolete=True,
        )

    def process_files(self, file_list: list[makemessages.TranslatableFile]) -> None:
        super().process_files(file_list)
        template = Path(settings.LOCALE_PATHS[0]) / f"{self.domain}.pot"
        with template.open("a", encoding="utf-8") as file:
            file.writelines(
                # a JSON string is a valid PO string; msguniq merges what occurs twice
                f'\n#. {shipped.origin}\nmsgid {_quoted(shipped.text)}\nmsgstr ""\n'
                for shipped in shipped_texts()
            )


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
