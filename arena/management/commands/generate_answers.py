"""``manage.py generate_answers``: models answer a question set."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management import CommandError

from arena.calling import NotCallableError
from arena.management.driving_command import NOTHING_TO_DO, USAGE, DrivingCommand
from arena.management.named_rows import named_models, named_question_set
from arena.services.generation import EmptyRunError, plan_generation, start_generation


class Command(DrivingCommand):
    help = (
        "Let models answer a question set; only what is missing is asked for. Exit code 0: all "
        "done; 1: some failed; 2: wrong usage; 3: nothing to do; 130: stopped by Ctrl-C."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--set", dest="question_set", required=True)
        parser.add_argument("--models", nargs="+", required=True, metavar="MODEL")
        parser.add_argument(
            "--temperature", type=float, help="for all categories; by category when left out"
        )
        parser.add_argument("--max-tokens", type=int, help="per turn; 1024 when left out")
        parser.add_argument("--limit", type=int, metavar="N", help="the first N questions only")
        self.add_driving_arguments(parser)

    def handle(self, *_: Any, **options: Any) -> None:
        asked = {
            "question_set": named_question_set(options["question_set"]),
            "language_models": named_models(options["models"]),
            "limit": options["limit"],
        }
        plan = plan_generation(**asked)
        try:
            run = start_generation(**asked, settings=_settings(options))
        except NotCallableError as error:
            raise CommandError(str(error), returncode=USAGE) from None
        except EmptyRunError as error:
            raise CommandError(str(error), returncode=NOTHING_TO_DO) from None
        if not options["json"]:
            self.stdout.write(
                f"{plan.missing} answers to make ({plan.models} models, {plan.questions} "
                f"questions), {plan.present} there already"
            )
        if options["no_wait"]:
            self.report_started(run, as_json=options["json"])
            return
        self.work_on(run)
        self.report(run, {"present_before": plan.present}, as_json=options["json"])


def _settings(options: dict[str, Any]) -> dict[str, Any]:  # JSON settings of a run
    names = ("temperature", "max_tokens")
    return {name: options[name] for name in names if options[name] is not None}
