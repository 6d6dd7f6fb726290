"""The benchmark board: models by what was measured, one way of measuring to a column."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from arena.models import LanguageModel, RunStatus
from benchmarks.models import BenchmarkRun, BenchmarkTask
from benchmarks.services.group_scores import averages_of, whole_groups
from benchmarks.suites_base import PROBE_SEPARATOR, digest

# a group of so many tasks is one column: MMLU and not its 57 subjects
LEAST_GROUP = 5
MOST_COLUMNS = 40


@dataclass(frozen=True, slots=True)
class BoardCell:
    """A model's score; ``task_id`` is None for a group, whose tasks are on its run's page."""

    name: str
    key: str
    metric: str
    protocol: str
    run_id: int
    task_id: int | None
    score: Mapping[str, Any]
    drop: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class BoardColumn:
    """Scores that were measured in one way; ``number`` tells several ways of a task apart."""

    task: str
    key: str
    metric: str
    protocol: str
    number: int


@dataclass(frozen=True, slots=True)
class Board:
    """``cells`` maps (model id, column key) to a model's newest score of that column.

    ``left_out`` is how many columns there are beyond those shown.
    """

    columns: list[BoardColumn]
    models: list[LanguageModel]
    cells: dict[tuple[int, str], BoardCell]
    left_out: int = 0

    def rows(self) -> list[tuple[LanguageModel, list[BoardCell | None]]]:
        return [
            (model, [self.cells.get((model.pk, column.key)) for column in self.columns])
            for model in self.models
        ]


def benchmark_board(
    text: str = "", *, merges_groups: bool = True, most: int | None = MOST_COLUMNS
) -> Board:
    """Models by tasks, large groups as one column each; with ``text``, single tasks that match."""
    tasks = (
        BenchmarkTask.objects.filter(scored_at__isnull=False, audit__scored__gt=0)
        .select_related("run__language_model")
        .order_by("id")
    )
    if text:
        tasks = tasks.filter(Q(name__icontains=text) | Q(run__selection__icontains=text))
    by_run: dict[int, list[BenchmarkTask]] = defaultdict(list)
    for task in tasks:
        by_run[task.run_id].append(task)
    cells: dict[tuple[int, str], BoardCell] = {}
    models: dict[int, LanguageModel] = {}
    ways: dict[str, dict[str, BoardCell]] = defaultdict(dict)
    for of_run in by_run.values():
        model = of_run[0].run.language_model
        for cell in _cells(of_run, merges_groups=merges_groups and not text):
            models[model.pk] = model
            cells[model.pk, cell.key] = cell
            ways[cell.name][cell.key] = cell
    columns = [
        BoardColumn(name, key, cell.metric.partition(",")[0], cell.protocol, number)
        for name, found in sorted(ways.items(), key=lambda item: _beside(item[0]))
        for number, (key, cell) in enumerate(found.items(), 1)
    ]
    shown = sorted(models.values(), key=lambda model: model.slug)
    return Board(columns[:most], shown, cells, len(columns) - len(columns[:most]))


def _beside(task: str) -> tuple[str, str]:
    """Puts the probes of a task right after it."""
    probe, _, base = task.rpartition(PROBE_SEPARATOR)
    return base, probe


def _cells(tasks: Sequence[BenchmarkTask], *, merges_groups: bool) -> Iterator[BoardCell]:
    run = tasks[0].run
    known = {task.name: task for task in tasks}
    merged: set[str] = set()
    for group, leaves in _large_groups(run, known).items() if merges_groups else ():
        merged.update(leaves)
        if all(name in known for name in leaves):
            yield _group_cell(run, group, [known[name] for name in leaves])
    for task in tasks:
        if task.name not in merged:
            yield BoardCell(
                task.name, task.fingerprint_hash, task.primary_metric, task.protocol, run.pk,
                task.pk, task.score, task.drop,
            )  # fmt: skip


def _large_groups(run: BenchmarkRun, known: Mapping[str, BenchmarkTask]) -> dict[str, list[str]]:
    """Groups for a column of their own; in a run under way, also those still to be scored."""
    is_over = run.status == RunStatus.COMPLETED
    found = whole_groups(run.groups, known, may_lack=not is_over)
    return {group: leaves for group, leaves in found.items() if len(leaves) >= LEAST_GROUP}


def _group_cell(run: BenchmarkRun, group: str, tasks: Sequence[BenchmarkTask]) -> BoardCell:
    found = averages_of(run, tasks).of(group)
    score = found[found["main"]]
    key = "group-" + digest(sorted(task.fingerprint_hash for task in tasks))
    first = tasks[0]
    return BoardCell(group, key, first.primary_metric, first.protocol, run.pk, None, score, {})
