"""Runs that were started for the same before and never ended, because whoever drove them is gone.

With workers at hand they go on by themselves; a command that is given once more goes on with them.
Each room finds its own kinds of run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from arena.models import GenerationRun, LanguageModel, QuestionSet, Run, RunStatus
from arena.services.runs import resume_run


def generation_going_on(
    question_set: QuestionSet,
    models: Sequence[LanguageModel],
    *,
    settings: Mapping[str, Any],
    limit: int | None = None,
) -> list[GenerationRun]:
    """Active runs that make nothing but answers that are asked for, with the same settings."""
    questions = question_set.questions.order_by("id")[:limit]
    wanted = set(questions.values_list("pk", flat=True))
    chosen = {model.pk for model in models}
    found = GenerationRun.objects.filter(status=RunStatus.ACTIVE, question_set=question_set)
    return [
        run
        for run in found.order_by("id")
        if run.settings == dict(settings)
        and set(run.answers.order_by().values_list("question", flat=True).distinct()) <= wanted
        and set(run.answers.order_by().values_list("model", flat=True).distinct()) <= chosen
    ]


def take_up(run: Run) -> None:
    """Set a run that was paused going again; one that is going is left as it is."""
    if run.status == RunStatus.STOPPED:
        resume_run(run)
