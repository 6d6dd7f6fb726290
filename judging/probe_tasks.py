"""From a probe's stored row to the task that a judge decides."""

from __future__ import annotations

from judging.models import JudgmentMode, ProbeTrial
from judging.task import JudgingTask
from judging.verdicts.base import Mode


def task_of(trial: ProbeTrial, *, seed: int = 0) -> JudgingTask:
    """The honest answer is side a; in single mode game 2 is about the planted answer alone."""
    is_single = trial.mode == JudgmentMode.SINGLE
    shown = trial.planted if is_single and trial.game == 2 else trial.honest
    return JudgingTask(
        mode=Mode(trial.mode),
        questions=(trial.question,),
        answers_a=(shown,),
        answers_b=() if is_single else (trial.planted,),
        language=trial.language,
        game=1 if is_single else trial.game,
        turn=1,
        seed=seed,
        question_key=f"{trial.probe}/{trial.case}",
        model_a="planted" if shown == trial.planted and is_single else "honest",
        model_b="" if is_single else "planted",
    )
