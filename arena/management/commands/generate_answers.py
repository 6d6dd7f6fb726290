"""``manage.py generate_answers``: models answer a question set."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management import CommandError

from arena.calling import NotCallableError
from arena.management.driving_command import NOTHING_TO_DO, USAGE, DrivingCommand
from arena.management.named_rows import named_models, named_question_set
from arena.models import Run
from arena.services.generation import (
    EmptyRunError,
    GenerationPlan,
    plan_generation,
    start_generation,
)
from arena.services.going_on import generation_going_on


class Command(DrivingCommand):
    help = (
        "Let models answer a question set; only what is missing is asked for, and a run that was "
        "killed is finished by the same command. Exit code 0: all done; 1: some failed; 2: wrong "
        "usage; 3: nothing to do; 130: stopped by Ctrl-C."
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
        settings, as_json = _settings(options), options["json"]
        begun = generation_going_on(
            asked["question_set"], asked["language_models"], settings=settings, limit=asked["limit"]
        )
        before = plan_generation(**asked)
        run: Run | None = self.go_on_with(begun, options)
        plan = plan_generation(**asked)
        if run is None or plan.missing:
            run = self._start(asked, settings, plan, options)
        if options["no_wait"]:
            self.report_started(run, as_json=as_json)
            return
        self.report(run, {"present_before": before.present}, as_json=as_json)

    def _start(
        self,
        asked: dict[str, Any],
        settings: dict[str, Any],  # JSON of a run
        plan: GenerationPlan,
        options: dict[str, Any],
    ) -> Run:
        """A run over what is missing, worked on to its end unless it is left to the workers."""
        try:
            run = start_generation(**asked, settings=settings)
        except NotCallableError as error:
            raise CommandError(str(error), returncode=USAGE) from None
        except EmptyRunError as error:
            raise CommandError(str(error), returncode=NOTHING_TO_DO) from None
        if not options["json"]:
            self.stdout.write(
                f"{plan.missing} answers to make ({plan.models} models, {plan.questions} "
                f"questions), {plan.present} there already"
            )
        if not options["no_wait"]:
            self.work_on(run)
        return run


def _settings(options: dict[str, Any]) -> dict[str, Any]:  # JSON settings of a run
    names = ("temperature", "max_tokens")
    return {name: options[name] for name in names if options[name] is not None}
