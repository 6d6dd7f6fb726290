"""The steps of a task file, each of which finds what is there and makes what is missing."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any

from django.apps import apps
from django.core.management import call_command
from django.utils.text import slugify

from arena.importing import import_files
from arena.models import Endpoint, LanguageModel, QuestionSet, Run
from arena.services.driving import drive_run_chunk
from arena.services.generation import EmptyRunError, start_generation
from arena.services.going_on import generation_going_on, take_up
from arena.services.runs import release_dead_leases
from arena.work.kinds import kind_of
from judging.models import Judge, JudgeRun, JudgeRunMode
from judging.report import report_html, scope_of
from judging.services.going_on import judging_going_on
from judging.services.judge_runs import start_judge_run
from judging.services.judges import create_judge, runnable_judge
from judging.services.ledger import JudgeRunSpec
from judging.services.local_models import local_model
from judging.services.peers import PeerSpec, peer_runs
from judging.services.planning import JudgePlan, plan_judge_run
from judging.task_file import (
    AnswersPart,
    ArenaTask,
    ModelPart,
    PeersPart,
    RatingPart,
    Reviewer,
    TaskFileError,
)

REST_S = 0.5

MODES = {
    "single": JudgeRunMode.SINGLE,
    "pairwise_baseline": JudgeRunMode.BASELINE,
    "arena": JudgeRunMode.PAIRS,
}


@dataclass(slots=True)
class TaskResult:
    """What came of a task; ``ratings`` is what ``manage.py rate --json`` prints, ``peers`` what
    ``manage.py examine_peers --json`` does."""

    task: ArenaTask
    judge_run: JudgeRun | None = None
    plan: JudgePlan | None = None
    ratings: dict[str, Any] = field(default_factory=dict)  # JSON
    peers: dict[str, Any] = field(default_factory=dict)  # JSON
    report_file: Path | None = None


def drive_here(run: Run) -> None:
    """Work on a run in this thread until it is over or stopped."""
    while True:
        release_dead_leases(run)
        report = drive_run_chunk(kind_of(run).name, run.pk)
        if report is None or report.was_stopped:
            return
        if report.is_drained and not run.items().unfinished().exists():
            continue  # it is over, or has got more rows
        Event().wait(REST_S)  # other workers hold the rest, or a row waits for its next attempt


@dataclass(slots=True)
class Steps:
    """One task on its way from questions to a report."""

    task: ArenaTask
    is_dry_run: bool
    drive: Callable[[Run], object]
    confirm: Callable[[JudgePlan], None]
    tell: Callable[[str], object]

    def run(self) -> TaskResult:
        """All enabled steps in order."""
        result = TaskResult(self.task)
        questions = self.questions()
        models = self.answers(questions)
        if self.task.reviews_gen.enable:
            self.reviews(result, questions, models)
        peers = self.task.reviews_gen.peers
        if peers is not None and peers.enable and not self.is_dry_run:
            result.peers = self.peers(peers, questions, models, result)
        # the report comes first: where nothing can be rated, it tells why
        if self.task.report_file is not None and result.judge_run is not None:
            self.report(result, self.task.report_file)
        if self.task.rating is not None and not self.is_dry_run:
            result.ratings = self.ratings(self.task.rating, result)
        return result

    def questions(self) -> QuestionSet:
        """The set, imported first when a file is given."""
        slug = self.task.question_set
        if self.task.questions_file is not None:
            self._import(self.task.questions_file, slug)
        found = QuestionSet.objects.filter(slug=slug).first()
        if found is None:
            raise TaskFileError(
                f"question_set: there is no set {slug!r}; add questions_file or import it first"
            )
        return found

    def _import(self, path: Path, question_set: str) -> None:
        report = import_files([path], question_set=question_set)
        for file in report.files:
            bad = file.bad_rows[0] if file.bad_rows else None
            if file.error or bad is not None:
                raise TaskFileError(f"{path} was not imported: {file.error or bad}")
        self.tell(f"imported {path.name}")

    def answers(self, questions: QuestionSet) -> list[LanguageModel]:
        """Import or generate what each enabled model lacks; the models, in the file's order."""
        parts = self.task.enabled_answers()
        for part in parts.values():
            if part.answers_file is not None:
                self._import(part.answers_file, questions.slug)
        models = [_model(slug, part, where=f"answers_gen.{slug}") for slug, part in parts.items()]
        for model, part in zip(models, parts.values(), strict=True):
            if part.answers_file is None and model.endpoint_id is not None:
                self._generate(questions, model, part)
        return models

    def _generate(self, questions: QuestionSet, model: LanguageModel, part: AnswersPart) -> None:
        settings = part.generation.model_dump(exclude_none=True)
        limit = self.task.reviews_gen.limit
        self._finish(generation_going_on(questions, [model], settings=settings, limit=limit))
        try:
            run = start_generation(
                question_set=questions, language_models=[model], settings=settings, limit=limit
            )
        except EmptyRunError:
            self.tell(f"{model.slug} has answered already")
            return
        self.tell(f"{model.slug} answers")
        self.drive(run)

    def reviews(
        self, result: TaskResult, questions: QuestionSet, models: Sequence[LanguageModel]
    ) -> None:
        """Judge what is missing; a second time there is nothing to do, and the run is found."""
        spec = self._spec(questions, models)
        self._finish(judging_going_on(spec))
        result.plan = plan_judge_run(spec)
        self.confirm(result.plan)
        try:
            run = start_judge_run(spec)
        except EmptyRunError as error:
            self.tell(str(error))
            result.judge_run = _latest_run(spec)
            return
        self.drive(run)
        run.refresh_from_db()
        result.judge_run = run

    def _finish(self, begun: Sequence[Run]) -> None:
        """Go on with runs that an earlier call of the same task began and did not end."""
        for run in begun:
            self.tell(f"going on with {kind_of(run).label} {run.pk}")
            take_up(run)
            self.drive(run)

    def peers(
        self,
        part: PeersPart,
        questions: QuestionSet,
        models: Sequence[LanguageModel],
        result: TaskResult,
    ) -> dict[str, Any]:  # JSON
        """The models judge each other; the ranking is what ``manage.py examine_peers`` prints.

        Boards live in a room above this one, so they are reached by name only.
        """
        asked = self.task.reviews_gen
        spec = PeerSpec(
            questions, tuple(models), part.kind, part.settings, limit=asked.limit, seed=asked.seed
        )
        for run in peer_runs(spec):
            self.confirm(plan_judge_run(run))
        given = ["--set", questions.slug, "--models", *(model.slug for model in models)]
        given += ["--kind", part.kind, "--judge-settings", json.dumps(part.settings), "--yes"]
        given += ["--board", part.board, "--seed", str(asked.seed), "--json"]
        if asked.limit is not None:
            given += ["--limit", str(asked.limit)]
        if result.judge_run is not None:
            given += ["--central", result.judge_run.judge.slug]
        self.tell("the models judge each other")
        out = io.StringIO()
        call_command("examine_peers", *given, stdout=out)
        found: dict[str, Any] = json.loads(out.getvalue())
        return found

    def _spec(self, questions: QuestionSet, models: Sequence[LanguageModel]) -> JudgeRunSpec:
        asked = self.task.reviews_gen
        baseline = None
        if asked.baseline:
            baseline = next((model for model in models if model.slug == asked.baseline), None)
            if baseline is None:
                raise TaskFileError(
                    f"reviews_gen.baseline: {asked.baseline!r} is not among the enabled models of "
                    "answers_gen; add it there"
                )
        return JudgeRunSpec(
            judge=_judge(asked.reviewer),
            mode=MODES[self.task.mode],
            question_set=questions,
            language_models=tuple(models),
            baseline=baseline,
            is_dry_run=self.is_dry_run,
            limit=asked.limit,
            repeats=asked.repeats,
            seed=asked.seed,
            settings=self._run_settings(),
        )

    def _run_settings(self) -> dict[str, Any]:  # JSON kept with the run
        asked = self.task.reviews_gen
        told: dict[str, Any] = {"budget": asked.budget} if asked.budget else {}
        if asked.adaptive is not None:
            told["adaptive"] = asked.adaptive.model_dump()
        if asked.batch:
            told["batch"] = True
        return told

    def ratings(self, part: RatingPart, result: TaskResult) -> dict[str, Any]:  # JSON
        """Fit the board over this task's judge and questions.

        Boards live in a room above this one, so they are reached by name only.
        """
        board_model = apps.get_model("leaderboard", "Board")
        slug = part.board or slugify(self.task.name or self.task.question_set, allow_unicode=True)
        query: dict[str, Any] = {"question_sets": [self.task.question_set], "source": "judges"}
        if result.judge_run is not None:
            query["judges"] = [result.judge_run.judge.slug]
        board_model._default_manager.get_or_create(
            slug=slug,
            defaults={
                "title": part.title or self.task.name or slug,
                "query": query,
                "method": part.method,
                "options": part.options,
            },
        )
        out = io.StringIO()
        call_command("rate", slug, "--json", stdout=out)
        ratings: dict[str, Any] = json.loads(out.getvalue())
        return ratings

    def report(self, result: TaskResult, path: Path) -> None:
        """Write the judge run's report."""
        if result.judge_run is None or not scope_of(result.judge_run).exists():
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(report_html(result.judge_run), encoding="utf-8")
        result.report_file = path
        self.tell(f"wrote {path}")


def _model(slug: str, part: ModelPart, *, where: str) -> LanguageModel:
    """The model called so; with ``base_url`` or ``checkpoint`` it is set up when missing."""
    if part.checkpoint:
        return local_model(slug, part.checkpoint, part.local)
    found = LanguageModel.objects.filter(slug=slug).select_related("endpoint").first()
    if found is not None and (found.endpoint is not None or not part.base_url):
        return found
    if not part.base_url:
        raise TaskFileError(
            f"{where}: there is no model {slug!r}; give it a base_url, import its answers, or "
            "set it up in the console"
        )
    endpoint, _ = Endpoint.objects.get_or_create(
        slug=slugify(part.base_url.partition("//")[2])[:80] or "endpoint",
        base_url=part.base_url,
        defaults={"api_key_env": part.api_key_env, "name": part.base_url[:120]},
    )
    columns = {
        "provider_model": part.provider_model,
        "price_in_per_mtok": part.price_in_per_mtok,
        "price_out_per_mtok": part.price_out_per_mtok,
        "endpoint": endpoint,
    }
    return LanguageModel.objects.update_or_create(
        slug=slug, defaults=columns, create_defaults={**columns, "display_name": slug}
    )[0]


def _judge(reviewer: str | Reviewer) -> Judge:
    if isinstance(reviewer, str):
        return runnable_judge(reviewer)
    where = "reviews_gen.reviewer"
    model = _model(reviewer.model, reviewer, where=where) if reviewer.model else None
    return create_judge(
        slug=slugify(reviewer.name, allow_unicode=True),
        name=reviewer.name,
        kind=reviewer.kind,
        settings=reviewer.settings,
        language_model=model,
    )


def _latest_run(spec: JudgeRunSpec) -> JudgeRun | None:
    """The run that made what is there, for its report."""
    return JudgeRun.objects.filter(
        judge=spec.judge,
        mode=spec.mode,
        question_set=spec.question_set,
        baseline=spec.baseline,
        is_dry_run=spec.is_dry_run,
    ).first()
