"""``manage.py judge``: a judge decides a question set's answers."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management import CommandError
from django.db.models import Exists, OuterRef

from arena.calling import NotCallableError
from arena.management.driving_command import NOTHING_TO_DO, STOPPED, USAGE, DrivingCommand
from arena.management.named_rows import named_models, named_question_set
from arena.models import Answer, LanguageModel, QuestionSet, Run
from arena.services.generation import EmptyRunError, start_generation
from arena.services.going_on import generation_going_on
from judging.budget import BudgetError
from judging.judges import JudgeSettingsError
from judging.models import Judge, JudgeRun, JudgeRunMode
from judging.plan_text import plan_text
from judging.prompts import PromptError
from judging.services.adaptive import ORDERS, STOP_AT, adaptive_summary
from judging.services.going_on import judging_going_on
from judging.services.judge_runs import start_judge_run
from judging.services.judges import UnknownJudgeError, runnable_judge
from judging.services.ledger import JudgeRunError, JudgeRunSpec
from judging.services.planning import JudgePlan, plan_judge_run
from judging.spending import run_spending


class Command(DrivingCommand):
    help = (
        "Let a judge score or compare stored answers; only what is missing is judged, and the plan "
        "is shown before anything is sent. Exit code 0: all done; 1: some failed; 2: wrong usage; "
        "3: nothing to do; 130: stopped by Ctrl-C."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--set", dest="question_set", required=True)
        parser.add_argument("--judge", required=True, help="its name, or name@version")
        parser.add_argument("--mode", choices=JudgeRunMode.values, required=True)
        parser.add_argument("--baseline", help="the model all are compared with (mode baseline)")
        parser.add_argument(
            "--models", nargs="+", metavar="MODEL", help="all that have answers when left out"
        )
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="random verdicts without calling the judge; missing answers are generated first",
        )
        parser.add_argument("--limit", type=int, metavar="N", help="the first N questions only")
        parser.add_argument("--repeats", type=int, default=1, help="ask each judgment N times")
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument("--max-cost", type=float, metavar="USD", help="spend no more than this")
        parser.add_argument("--max-calls", type=int, metavar="N", help="make no more calls than N")
        parser.add_argument("--max-minutes", type=float, metavar="M", help="stop after M minutes")
        parser.add_argument(
            "--adaptive",
            type=float,
            metavar="POINTS",
            help="judge only what narrows the board most, until every gap between two models is "
            "known to ± POINTS rating points or its models are separated",
        )
        parser.add_argument(
            "--stop-at",
            choices=STOP_AT,
            default="order",
            help="with --adaptive: interval does not stop at separated models",
        )
        parser.add_argument(
            "--orders",
            choices=ORDERS,
            default="one",
            help="with --adaptive: show a pair in one order per question, in turn, or in both",
        )
        parser.add_argument(
            "--batch",
            action="store_true",
            help="send the calls through the endpoint's Batch API: half the price, within a day",
        )
        parser.add_argument("--yes", action="store_true", help="spend money without asking")
        self.add_driving_arguments(parser)

    def handle(self, *_: Any, **options: Any) -> None:
        try:
            self._judge(options)
        except (JudgeRunError, BudgetError, JudgeSettingsError, PromptError) as error:
            raise CommandError(str(error), returncode=USAGE) from None
        except (UnknownJudgeError, NotCallableError) as error:
            raise CommandError(str(error), returncode=USAGE) from None
        except EmptyRunError as error:
            raise CommandError(str(error), returncode=NOTHING_TO_DO) from None

    def _judge(self, options: dict[str, Any]) -> None:
        spec = _spec(options)
        as_json = options["json"]
        if spec.is_dry_run:
            self._generate_missing(spec, options)
        begun = self.go_on_with(judging_going_on(spec), options)
        plan = plan_judge_run(spec)
        if begun is not None and not plan.to_make:
            self.report(begun, _told(begun, plan, as_json=as_json), as_json=as_json)
            return
        if not as_json:
            self.stdout.write(plan_text(spec, plan))
        self._confirm(plan, options)
        run = start_judge_run(spec)
        if options["no_wait"]:
            self.report_started(run, as_json=as_json)
            return
        self.work_on(run)
        self.report(run, _told(run, plan, as_json=as_json), as_json=as_json)

    def _generate_missing(self, spec: JudgeRunSpec, options: dict[str, Any]) -> None:
        """A dry run walks the whole way: models with an endpoint make the answers they lack."""
        able = [model for model in spec.answering_models if model.endpoint_id]
        asked = (spec.question_set, able)
        for begun in generation_going_on(*asked, settings={}, limit=spec.limit):
            self.work_on(begun)
        missing = plan_judge_run(spec).missing_answers
        lacking = [model for model in able if model.slug in missing]
        if not lacking:
            return
        try:
            run: Run = start_generation(
                question_set=spec.question_set, language_models=lacking, limit=spec.limit
            )
        except EmptyRunError:
            return  # another run is at them
        if not options["json"]:
            self.stdout.write(f"generating {sum(missing[m.slug] for m in lacking)} missing answers")
        self.work_on(run)

    def _confirm(self, plan: JudgePlan, options: dict[str, Any]) -> None:
        if not plan.costs_money or options["yes"] or options["max_cost"] is not None:
            return
        if not sys.stdin.isatty():
            if plan.money is None:
                return
            raise CommandError(
                f"this run costs about ${plan.money:.2f}; add --yes to spend it", returncode=USAGE
            )
        self.stderr.write("Start? [y/N] ", ending="")
        self.stderr.flush()
        if input().strip().lower() not in ("y", "yes"):
            raise CommandError("not started; nothing was spent", returncode=STOPPED)


def _spec(options: dict[str, Any]) -> JudgeRunSpec:
    question_set = named_question_set(options["question_set"])
    judge = runnable_judge(options["judge"])
    baseline = named_models([options["baseline"]])[0] if options["baseline"] else None
    if options["models"]:
        models = named_models(options["models"])
    else:
        models = _models_with_answers(question_set) or _models_to_ask(judge, options["dry_run"])
    return JudgeRunSpec(
        judge=judge,
        mode=JudgeRunMode(options["mode"]),
        question_set=question_set,
        language_models=tuple(models),
        baseline=baseline,
        is_dry_run=options["dry_run"],
        limit=options["limit"],
        repeats=options["repeats"],
        seed=options["seed"],
        settings=_settings(options),
    )


def _settings(options: dict[str, Any]) -> dict[str, Any]:  # JSON kept with the run
    limits = {
        "usd": options["max_cost"],
        "calls": options["max_calls"],
        "minutes": options["max_minutes"],
    }
    budget = {name: value for name, value in limits.items() if value is not None}
    told: dict[str, Any] = {"budget": budget} if budget else {}
    if options["adaptive"] is not None:
        told["adaptive"] = {
            "within": options["adaptive"],
            "stop_at": options["stop_at"],
            "orders": options["orders"],
        }
    if options["batch"]:
        told["batch"] = True
    return told


def _models_with_answers(question_set: QuestionSet) -> list[LanguageModel]:
    answers = Answer.objects.done().in_answer_set().to_set(question_set)
    is_answering = Exists(answers.filter(model=OuterRef("pk")))
    return list(LanguageModel.objects.filter(is_answering).select_related("endpoint"))


def _models_to_ask(judge: Judge, is_dry_run: bool) -> list[LanguageModel]:
    """A dry run of an empty set generates the answers first: of all who can, save the judge."""
    if not is_dry_run:
        return []
    callable_models = LanguageModel.objects.active().callable().select_related("endpoint")
    return [model for model in callable_models if model.pk != judge.language_model_id]


def _told(run: JudgeRun, plan: JudgePlan, *, as_json: bool) -> dict[str, Any]:  # JSON
    spending = run_spending(run)
    told: dict[str, Any] = {
        "reused": run.reused,
        "unreadable": spending.unreadable,
        "cost_usd": spending.cost_usd,
        "input_tokens": spending.input_tokens,
        "output_tokens": spending.output_tokens,
        "missing_answers": plan.missing_answers,
    }
    run.refresh_from_db()
    if summary := adaptive_summary(run.plan):
        told["saved"] = f"{summary['saved']} of {summary['total']} judgments"
        told["adaptive"] = summary if as_json else {}
    if as_json:
        told |= {"is_dry_run": run.is_dry_run, "plan": plan.as_json()}
    return told
