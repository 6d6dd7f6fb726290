"""Scores of groups of tasks, by every average the field reports."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.models import BenchmarkRun, BenchmarkTask
from benchmarks.services.scoring import estimate_from
from benchmarks.statistics.estimates import (
    Estimate,
    error_between_tasks,
    plain_mean,
    weighted_mean,
)
from benchmarks.suites_base import Json

GroupScore = dict[str, Json]


def group_scores(run: BenchmarkRun) -> dict[str, GroupScore]:
    """Every group's score by its tasks' primary metric.

    ``plain`` counts every task below the group alike, however groups are nested; ``weighted``
    counts every sample alike, where all tasks report the same metric. A group made of groups also
    has ``parts``, the plain mean of what stands directly below it (the Open LLM Leaderboard's
    average: MMLU is one of six), and ``parts_plain``, where groups below count by their plain mean
    instead of their own average. ``main`` names the one that the group's definition asks for.
    """
    averages = averages_of(run, run.tasks.all())
    found = {group: averages.of(group) for group in run.groups}
    return {group: scores for group, scores in found.items() if scores}


def averages_of(run: BenchmarkRun, tasks: Iterable[BenchmarkTask]) -> Averages:
    """The averages of a run's groups, from tasks that are at hand."""
    return Averages({task.name: task for task in tasks}, run.groups, frozenset(run.plain_groups))


@dataclass(frozen=True, slots=True)
class Averages:
    tasks: Mapping[str, BenchmarkTask]
    groups: Mapping[str, Sequence[str]]
    plain_groups: frozenset[str]

    def of(self, group: str) -> GroupScore:
        leaves = [self.tasks[name] for name in leaves_of(self.groups, group) if name in self.tasks]
        parts = [estimate_from(task.score) for task in leaves if task.score]
        if not parts:
            return {}
        scores: GroupScore = {"plain": plain_mean(parts).as_dict()}
        if len({task.primary_metric for task in leaves}) == 1:
            weighted = weighted_mean(parts)
            scores["weighted"] = weighted.as_dict()
            scores["weighted"]["stderr_between_tasks"] = _known(error_between_tasks(parts))
        if any(child in self.groups for child in self.groups[group]):
            for name, is_plain in (("parts", False), ("parts_plain", True)):
                found = [self._child(c, is_plain=is_plain) for c in self.groups[group]]
                scores[name] = plain_mean([f for f in found if f is not None]).as_dict()
        scores["main"] = self._main(group, scores)
        scores["tasks"] = {"n": len(leaves), "scored": len(parts)}
        return scores

    def _main(self, group: str, scores: Mapping[str, Json]) -> str:
        if group in self.plain_groups:
            return "parts" if "parts" in scores else "plain"
        return "weighted" if "weighted" in scores else "plain"

    def _child(self, name: str, *, is_plain: bool) -> Estimate | None:
        if name in self.groups:
            scores = self.of(name)
            chosen = "plain" if is_plain else scores.get("main", "")
            return estimate_from(scores[chosen]) if scores else None
        task = self.tasks.get(name)
        return estimate_from(task.score) if task is not None and task.score else None


def _known(value: float) -> float | None:
    return value if value == value else None  # noqa: PLR0124  # NaN is what JSON cannot say


def leaves_of(groups: Mapping[str, Sequence[str]], name: str) -> list[str]:
    """The tasks that a group is made of in the end, each once."""
    found: dict[str, None] = {}
    waiting, seen = [name], set()
    while waiting:
        current = waiting.pop(0)
        if current in seen:
            continue
        seen.add(current)
        if current in groups:
            waiting = [*groups[current], *waiting]
        else:
            found[current] = None
    return list(found)


def whole_groups(
    groups: Mapping[str, Sequence[str]],
    tasks: Mapping[str, BenchmarkTask],
    *,
    may_lack: bool = False,
) -> dict[str, list[str]]:
    """The outermost groups whose tasks are all scored, by one metric in one protocol.

    ``may_lack`` takes groups whose scored tasks agree, though others have no score yet.
    """
    whole = {}
    for group in groups:
        leaves = leaves_of(groups, group)
        ways = {
            (tasks[name].primary_metric, tasks[name].protocol) if name in tasks else None
            for name in leaves
            if name in tasks or not may_lack
        }
        if len(leaves) > 1 and len(ways) == 1 and None not in ways:
            whole[group] = leaves
    return {
        group: leaves
        for group, leaves in whole.items()
        if not any(set(leaves) < set(others) for others in whole.values())
    }
