"""``manage.py examine_peers``: models judge each other, and a board says what came of it."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management import CommandError

from arena.calling import NotCallableError
from arena.management.driving_command import USAGE, DrivingCommand
from arena.management.named_rows import named_models, named_question_set
from arena.models import RunStatus
from judging.budget import BudgetError
from judging.judges import JudgeSettingsError
from judging.prompts import PromptError
from judging.services.judges import UnknownJudgeError, runnable_judge
from judging.services.ledger import JudgeRunError
from judging.services.peers import PeerPlan, PeerSpec, plan_peers
from leaderboard.models import PeerExamination
from leaderboard.peers import (
    ExaminationPage,
    examination_as_json,
    examination_page,
    examination_runs,
    models_with_answers,
    start_peer_examination,
)
from leaderboard.services import NoDataError, refresh_board
from registry import UnknownPartError

WRONG_USAGE = (
    *(JudgeRunError, JudgeSettingsError, PromptError, BudgetError),
    *(NotCallableError, UnknownJudgeError, UnknownPartError),
)


class Command(DrivingCommand):
    help = (
        "Let models judge each other's answers, never their own, and rate them by the verdicts "
        "weighted by agreement. Run it again to make only what is missing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--set", dest="question_set", required=True)
        parser.add_argument(
            "--models", nargs="+", metavar="MODEL", help="all that have answered when left out"
        )
        parser.add_argument("--kind", default="chat", help="how each judges (default: chat)")
        parser.add_argument("--judge-settings", default="{}", metavar="JSON", help="of the kind")
        parser.add_argument("--central", metavar="JUDGE", help="a judge to compare the peers with")
        parser.add_argument("--board", default="", metavar="SLUG", help="default: peers-SET")
        parser.add_argument("--limit", type=int, metavar="N", help="the first N questions only")
        parser.add_argument("--repeats", type=int, default=1)
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument("--max-cost", type=float, metavar="USD", help="for each examiner")
        parser.add_argument("--dry-run", action="store_true", help="random verdicts; no rating")
        parser.add_argument("--yes", action="store_true", help="spend money without asking")
        self.add_driving_arguments(parser)

    def handle(self, *_: Any, **options: Any) -> None:
        try:
            central = runnable_judge(options["central"]) if options["central"] else None
            spec = _spec(options)
            self._confirm(plan_peers(examination_runs(spec, central, is_planned=True)), options)
            examination = start_peer_examination(spec, central_judge=central, slug=options["board"])
        except WRONG_USAGE as error:
            raise CommandError(str(error), returncode=USAGE) from None
        as_json = options["json"]
        for run in examination.runs.filter(status=RunStatus.ACTIVE):
            if options["no_wait"]:
                self.report_started(run, as_json=as_json)
                continue
            if not as_json:
                self.stdout.write(str(run))
            self.work_on(run)
        if options["no_wait"] or options["dry_run"]:
            return
        self._tell(_rated(examination), as_json=as_json)

    def _confirm(self, plan: PeerPlan, options: dict[str, Any]) -> None:
        """Say what it takes; money is spent only where somebody has agreed to it."""
        money = "of unknown price" if plan.money is None else f"about ${plan.money:.2f}"
        if not options["json"]:
            self.stdout.write(f"{plan.judgments} judgments, {plan.calls} calls, {money}")
        is_free = plan.money == 0 or not plan.calls or options["dry_run"]
        if not is_free and not options["yes"] and options["max_cost"] is None:
            raise CommandError(
                f"this examination makes {plan.calls} calls, {money}; add --yes to spend it, or "
                "limit each examiner with --max-cost",
                returncode=USAGE,
            )

    def _tell(self, page: ExaminationPage, *, as_json: bool) -> None:
        if as_json:
            told = examination_as_json(page)
            self.stdout.write(json.dumps(told, ensure_ascii=False, indent=2))
            return
        for line in page.lines:
            row, central = line.peers, line.central
            beside = f"   central {central.rating:8.1f} (rank {central.rank})" if central else ""
            lower, upper = row.rating_lower or row.rating, row.rating_upper or row.rating
            rating = f"{row.rating:8.1f} [{lower:.1f}, {upper:.1f}]"
            self.stdout.write(f"{row.rank:>3}  {rating}  {row.model.slug}{beside}")
        for each in page.examiners:
            agreement = "–" if each.agreement is None else f"{each.agreement:.2f}"
            self.stdout.write(
                f"     weight {each.weight:.2f}, agreement {agreement}: {each.judge.slug}"
            )


def _rated(examination: PeerExamination) -> ExaminationPage:
    for board in filter(None, (examination.board, examination.central_board)):
        try:
            refresh_board(board)
        except NoDataError as error:
            raise CommandError(f"board {board.slug!r}: {error}", returncode=3) from None
    return examination_page(examination)


def _spec(options: dict[str, Any]) -> PeerSpec:
    question_set = named_question_set(options["question_set"])
    try:
        settings = json.loads(options["judge_settings"])
    except json.JSONDecodeError as error:
        raise CommandError(f"--judge-settings is not JSON ({error})", returncode=USAGE) from None
    given = options["models"]
    models = named_models(given) if given else models_with_answers(question_set.pk)
    return PeerSpec(
        question_set=question_set,
        language_models=tuple(models),
        kind=options["kind"],
        settings=settings,
        is_dry_run=options["dry_run"],
        limit=options["limit"],
        repeats=options["repeats"],
        seed=options["seed"],
        budget={"usd": options["max_cost"]} if options["max_cost"] else {},
    )
