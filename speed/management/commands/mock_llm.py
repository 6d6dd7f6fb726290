"""The deterministic mock endpoint as a tool: an OpenAI-compatible server with exact timing."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand, CommandError

from speed.mock_behaviour import BehaviourError
from speed.mock_command import add_options, serve


class Command(BaseCommand):
    help = "Serve a deterministic OpenAI-compatible endpoint that records what it really did."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_options(parser)

    def handle(self, *_: Any, **options: Any) -> None:
        try:
            serve(options)
        except (BehaviourError, ValueError, OSError) as error:
            raise CommandError(str(error), returncode=2) from None
