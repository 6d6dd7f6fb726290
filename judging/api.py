"""A whole arena from Python: what ``manage.py run_arena`` does.

::

    from judging.api import run_task

    result = run_task("examples/arena/arena.yaml", dry_run=True)
    result.judge_run.status, result.ratings

``pause_run``, ``resume_run`` and ``cancel_run`` take a run, whoever works on it. What a cancelled
run has sent through a Batch API is withdrawn at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from arena.models import Run
from arena.services import runs
from arena.services.runs import resume_run
from arena.services.runs import stop_run as pause_run
from judging.services.arena_task import Steps, TaskResult, drive_here
from judging.services.planning import JudgePlan
from judging.task_file import TaskFileError, read_task_file, task_from


def run_task(
    task: str | Path | Mapping[str, Any],  # JSON
    *,
    dry_run: bool = False,
    drive: Callable[[Run], object] = drive_here,
    confirm: Callable[[JudgePlan], None] = lambda _: None,
    tell: Callable[[str], object] = lambda _: None,
) -> TaskResult:
    """Questions, answers, verdicts, ratings, report; what is there already is not made again.

    ``task`` is a file or its content. ``drive`` works on a run until it is over, in this thread
    unless told otherwise; ``confirm`` sees the plan before anything is judged and may raise;
    ``tell`` is told what happens. Raises TaskFileError, and what the steps raise.
    """
    if isinstance(task, Mapping):
        read = task_from(dict(task), where="the task", folder=Path.cwd())
    else:
        read = read_task_file(Path(task))
    return Steps(read, is_dry_run=dry_run, drive=drive, confirm=confirm, tell=tell).run()


def cancel_run(run: Run, *, reason: str = "") -> Run:
    """End a run for good, here and at the endpoint; what is done is kept."""
    runs.cancel_run(run, reason=reason)
    runs.wind_up(run)
    return run


__all__ = ["TaskFileError", "TaskResult", "cancel_run", "pause_run", "resume_run", "run_task"]
