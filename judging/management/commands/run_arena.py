"""``manage.py run_arena``: a task file from questions to a rated board and a report."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import CommandError

from arena.calling import NotCallableError
from arena.management.driving_command import SOME_FAILED, USAGE, DrivingCommand
from judging.api import TaskFileError, TaskResult, run_task
from judging.budget import BudgetError
from judging.judges import JudgeSettingsError
from judging.prompts import PromptError
from judging.services.judges import UnknownJudgeError
from judging.services.ledger import JudgeRunError
from judging.services.planning import JudgePlan
from registry import UnknownPartError

WRONG_USAGE = (
    *(TaskFileError, JudgeRunError, BudgetError, JudgeSettingsError, PromptError),
    *(NotCallableError, UnknownJudgeError, UnknownPartError),
)


class Command(DrivingCommand):
    help = (
        "Run a task file: import questions, generate answers, judge, rate, report. Run it again to "
        "do only what is missing. Exit code 0: all done; 1: some failed; 2: wrong usage; 130: "
        "stopped by Ctrl-C or by its budget."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("-c", "--config", type=Path, required=True, metavar="FILE")
        parser.add_argument(
            "--dry-run", action="store_true", help="random verdicts; no judge is called, no rating"
        )
        parser.add_argument("--yes", action="store_true", help="spend money without asking")
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, *_: Any, **options: Any) -> None:
        as_json = options["json"]

        def confirm(plan: JudgePlan) -> None:
            if plan.money and not options["yes"] and not sys.stdin.isatty():
                raise JudgeRunError(
                    f"this task costs about ${plan.money:.2f}; add --yes to spend it"
                )
            if plan.money and not options["yes"] and not _is_agreed(plan):
                raise JudgeRunError("not judged; nothing was spent")

        try:
            result = run_task(
                options["config"],
                dry_run=options["dry_run"],
                drive=self.work_on,
                confirm=confirm,
                tell=lambda text: None if as_json else self.stdout.write(text),
            )
        except WRONG_USAGE as error:
            raise CommandError(str(error), returncode=USAGE) from None
        self._tell(result, as_json=as_json)

    def _tell(self, result: TaskResult, *, as_json: bool) -> None:
        run = result.judge_run
        counts = run.items().status_counts() if run else {}
        told = {
            "judge_run": run.pk if run else None,
            "is_dry_run": bool(run and run.is_dry_run),
            "done": counts.get("done", 0),
            "failed": counts.get("failed", 0),
            "plan": result.plan.as_json() if result.plan else None,
            "ratings": result.ratings.get("ratings", []),
            "report_file": str(result.report_file) if result.report_file else None,
        }
        if as_json:
            self.stdout.write(json.dumps(told, ensure_ascii=False, indent=2))
        else:
            self.stdout.write(f"{told['done']} judgments done, {told['failed']} failed")
            for row in result.ratings.get("ratings", []):
                self.stdout.write(f"  {row['rank']:>3}  {row['rating']:8.1f}  {row['model']}")
        if counts.get("failed"):
            raise CommandError(
                f"{counts['failed']} judgments failed; run the same command again to retry them",
                returncode=SOME_FAILED,
            )


def _is_agreed(plan: JudgePlan) -> bool:
    sys.stderr.write(f"{plan.calls} calls, about ${plan.money:.2f}. Start? [y/N] ")
    sys.stderr.flush()
    return input().strip().lower() in ("y", "yes")
