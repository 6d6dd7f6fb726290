"""``manage.py probe_judge``: can a judge be talked into a wrong verdict?"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management import CommandError

from arena.calling import NotCallableError
from arena.management.driving_command import STOPPED, USAGE, DrivingCommand
from arena.management.named_rows import named_question_set
from arena.models import Run
from judging.judges import JudgeSettingsError
from judging.models import Judge, JudgmentMode
from judging.probe_results import PASS_SHARE, ProbeFigure, probe_figures
from judging.probes import PROBES
from judging.prompts import PromptError
from judging.services.going_on import probing_going_on
from judging.services.judges import UnknownJudgeError, runnable_judge
from judging.services.probing import (
    ProbeError,
    ProbePlan,
    ProbeSpec,
    default_mode,
    plan_probe_run,
    start_probe_run,
)
from registry import UnknownPartError

REFUSALS = (
    *(ProbeError, JudgeSettingsError, PromptError),
    *(UnknownJudgeError, UnknownPartError, NotCallableError),
)


class Command(DrivingCommand):
    help = (
        "Put planted answers to a judge: empty talk, orders hidden in an answer, padding, swapped "
        "orders, mere formatting, its own name. Pass rates stand on its card. A run that was "
        "killed is finished by the same command. Exit code 0: all done; 1: some calls failed; 2: "
        "wrong usage; 130: stopped."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("judge", help="its name, or name@version")
        parser.add_argument("--probes", nargs="+", choices=PROBES.names(), default=[])
        parser.add_argument("--mode", choices=JudgmentMode.values)
        parser.add_argument("--set", dest="question_set", help="its answers instead of ours")
        parser.add_argument("--limit", type=int, metavar="N", help="the first N questions only")
        parser.add_argument("--yes", action="store_true", help="spend money without asking")
        self.add_driving_arguments(parser)

    def handle(self, *_: Any, **options: Any) -> None:
        try:
            self._probe(options)
        except REFUSALS as error:
            raise CommandError(str(error), returncode=USAGE) from None

    def _probe(self, options: dict[str, Any]) -> None:
        judge = runnable_judge(options["judge"])
        named = options["question_set"]
        spec = ProbeSpec(
            judge=judge,
            mode=JudgmentMode(options["mode"] or default_mode(judge)),
            probes=tuple(options["probes"]),
            question_set=named_question_set(named) if named else None,
            limit=options["limit"],
        )
        run: Run | None = self.go_on_with(probing_going_on(spec), options)
        if run is None:
            plan = plan_probe_run(spec)
            if not options["json"]:
                self.stdout.write(_plan_text(judge, plan))
            self._confirm(plan, options)
            run = start_probe_run(spec)
            if options["no_wait"]:
                self.report_started(run, as_json=options["json"])
                return
            self.work_on(run)
        self.report(run, _told(judge, as_json=options["json"]), as_json=options["json"])

    def _confirm(self, plan: ProbePlan, options: dict[str, Any]) -> None:
        if not plan.money or options["yes"]:
            return
        if not sys.stdin.isatty():
            raise CommandError(
                f"these probes cost about ${plan.money:.2f}; add --yes to spend it",
                returncode=USAGE,
            )
        self.stderr.write("Start? [y/N] ", ending="")
        self.stderr.flush()
        if input().strip().lower() not in ("y", "yes"):
            raise CommandError("not started; nothing was spent", returncode=STOPPED)


def _plan_text(judge: Judge, plan: ProbePlan) -> str:
    if plan.money is None:
        money = "money not known: the judge's model has no prices"
    else:
        money = f"about ${plan.money:,.2f}"
    return (
        f"Probing {judge.slug} v{judge.version}: {plan.cases} cases, {plan.trials} verdicts, "
        f"{plan.calls} calls, {money}"
    )


def _told(judge: Judge, *, as_json: bool) -> dict[str, Any]:  # JSON
    figures = probe_figures(judge)
    if as_json:
        return {
            "pass_share": PASS_SHARE,
            "probes": [
                {
                    "probe": figure.name,
                    "mode": figure.mode,
                    "passed": figure.estimate.value,
                    "lower": figure.estimate.lower,
                    "upper": figure.estimate.upper,
                    "cases": figure.estimate.n,
                    "undecided": figure.undecided,
                    "is_passed": figure.is_passed,
                }
                for figure in figures
            ],
        }
    return {f"{figure.name} ({figure.mode})": _line(figure) for figure in figures}


def _line(figure: ProbeFigure) -> str:
    estimate = figure.estimate
    if estimate.value is None:
        return f"undecided in all {figure.undecided} cases"
    between = (
        f" ({estimate.lower:.0%} – {estimate.upper:.0%})" if estimate.lower is not None else ""
    )
    verdict = "passed" if figure.is_passed else "FAILED"
    return f"{verdict}, {estimate.value:.0%} of {estimate.n} cases{between}"
