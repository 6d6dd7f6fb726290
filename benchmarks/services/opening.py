"""Tasks of stored runs, opened again by whoever scores them."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.models import BenchmarkTask, EngineKind
from benchmarks.services.options import run_options, task_options
from benchmarks.suites import SUITES
from benchmarks.suites_base import AskProtocol, OpenTask, TaskOptions


def options_of(task: BenchmarkTask) -> TaskOptions:
    """The options a stored task was built with."""
    kept = task.options
    options = task_options(
        run_options(task.run.options),
        task=task.name,
        groups=kept.get("groups", []),
        shots=kept.get("shots"),
        is_endpoint=task.run.engine == EngineKind.ENDPOINT,
    )
    # a task without choices keeps its own way in a run in writing
    return replace(options, protocol=AskProtocol(task.protocol))


def open_task(task: BenchmarkTask) -> OpenTask:
    """The task with its data, ready to score."""
    return SUITES.get(task.suite).open(task.name, options_of(task))
