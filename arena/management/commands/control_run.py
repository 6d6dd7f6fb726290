"""``manage.py control_run``: pause, resume or cancel a run, or see how far it is."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand, CommandError

from arena.models import RunStatus
from arena.run_progress import run_progress
from arena.services.run_actions import RUN_ACTIONS
from arena.services.runs import RunStateError, wind_up
from arena.work.kinds import run_kind

USAGE, REFUSED = 2, 1
SHOW = "show"


class Command(BaseCommand):
    help = (
        "Pause a run, resume it, cancel it for good, or retry what failed, whoever works on it. "
        "Exit code 0: done; 1: not possible in the run's state; 2: wrong usage."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", choices=(*RUN_ACTIONS, SHOW))
        parser.add_argument("kind", help="judging, generation, probing or benchmark")
        parser.add_argument("run", type=int, help="its number")
        parser.add_argument("--json", action="store_true", help="print the run's progress as JSON")

    def handle(self, *_: Any, **options: Any) -> None:
        try:
            kind = run_kind(options["kind"])
        except LookupError as error:
            raise CommandError(str(error), returncode=USAGE) from None
        run = kind.model._default_manager.filter(pk=options["run"]).first()
        if run is None:
            raise CommandError(f"there is no {kind.name} run {options['run']}", returncode=USAGE)
        told = ""
        if options["action"] != SHOW:
            try:
                told = RUN_ACTIONS[options["action"]](run)
            except RunStateError as error:
                raise CommandError(str(error), returncode=REFUSED) from None
            if run.status == RunStatus.CANCELLED:
                told = f"{told} {wind_up(run)}".strip()
        progress = run_progress(run)
        if options["json"]:
            self.stdout.write(json.dumps(progress.as_json(), ensure_ascii=False))
            return
        self.stdout.write(told or f"{run}: {run.get_status_display()}")
        self.stdout.write(f"{progress.done} of {progress.total} done, {progress.failed} failed")
