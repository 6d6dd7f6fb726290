"""Runs that were started for the same before and never ended, because whoever drove them is gone.

With workers at hand they go on by themselves; a command that is given once more goes on with them.
"""

from __future__ import annotations

from collections.abc import Iterable

from arena.models import GenerationRun, LanguageModel, QuestionSet, RunStatus
from judging.models import JudgeRun
from judging.services.judge_runs import spec_of
from judging.services.ledger import JudgeRunSpec


def judging_going_on(spec: JudgeRunSpec) -> list[JudgeRun]:
    """Active runs of this judge that were asked for exactly what ``spec`` asks for."""
    found = JudgeRun.objects.filter(
        status=RunStatus.ACTIVE,
        judge=spec.judge,
        mode=spec.mode,
        question_set=spec.question_set,
        baseline=spec.baseline,
        is_dry_run=spec.is_dry_run,
    ).order_by("id")
    return [run for run in found if _is_same(spec_of(run), spec)]


def _is_same(one: JudgeRunSpec, other: JudgeRunSpec) -> bool:
    asked, wanted = (
        ({model.pk for model in each.judged_models}, each.limit, each.repeats)
        for each in (one, other)
    )
    return asked == wanted


def generation_going_on(
    question_set: QuestionSet, models: Iterable[LanguageModel]
) -> list[GenerationRun]:
    """Active runs in which exactly these models answer the set."""
    wanted = {model.pk for model in models}
    found = GenerationRun.objects.filter(status=RunStatus.ACTIVE, question_set=question_set)
    return [
        run
        for run in found.order_by("id")
        if set(run.language_models.values_list("pk", flat=True)) == wanted
    ]
