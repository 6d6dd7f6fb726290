"""Objective benchmarks: ``run_task`` runs a task configuration from Python."""

from typing import Any


def run_task(task_cfg: Any) -> dict[str, Any]:  # a mapping or a path; the result is JSON
    """See ``benchmarks.services.running.run_task``; needs Django to be set up."""
    from benchmarks.services.running import run_task as run

    return run(task_cfg)
