"""What the console's first page shows."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Q

from arena.models import Answer, Battle, LanguageModel, QuestionSet, Vote, WorkStatus
from arena.run_progress import RunProgress, run_progress
from arena.work.kinds import run_kinds


def console_page() -> dict[str, Any]:
    """Template context: counts, sets with how complete their answers are, what is running."""
    sets = _sets()
    return {
        "counts": {
            "models": LanguageModel.objects.count(),
            "questions": sum(question_set.n_questions for question_set in sets),
            "answers": Answer.objects.done().count(),
            "battles": Battle.objects.count(),
            "votes": Vote.objects.count(),
        },
        "question_sets": sets,
        "active_runs": _active_runs(),
    }


def _sets() -> list[Any]:  # question sets with two more attributes from annotate
    done = Q(questions__answers__status=WorkStatus.DONE, questions__answers__sample_index=0)
    return list(
        QuestionSet.objects.annotate(
            n_questions=Count("questions", distinct=True),
            n_answers=Count("questions__answers", filter=done, distinct=True),
        )
    )


def _active_runs() -> list[RunProgress]:
    return [
        run_progress(run)
        for kind in run_kinds()
        for run in kind.model._default_manager.filter(status="active")
    ]
