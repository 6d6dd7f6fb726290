"""What the page of a run says about its probes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from benchmarks.models import BenchmarkRun, BenchmarkTask
from benchmarks.suites_base import PROBE_SEPARATOR

PROBE_LABELS: dict[str, Promise] = {
    "shuffled": _("Options in another order"),
    "redrawn": _("Options in another order, numbers rewritten or drawn again"),
    "min_k": _("Min-K%: how expected the questions' own words are"),
    "overlap": _("Questions in the corpus"),
}


@dataclass(frozen=True, slots=True)
class ProbeLine:
    """A probe of a task; ``base`` is the task it probes."""

    task: BenchmarkTask
    base: str
    probe: str

    @property
    def label(self) -> Promise:
        return PROBE_LABELS[self.probe]

    @property
    def drop(self) -> dict[str, Any]:
        found: dict[str, Any] = self.task.drop
        return found

    @property
    def is_nats(self) -> bool:
        return self.probe == "min_k"


def probe_lines(run: BenchmarkRun) -> list[ProbeLine]:
    """Every probe of the run that has a score, and every task that was held against a corpus."""
    found = []
    for task in run.tasks.all():
        probe, separator, base = task.name.partition(PROBE_SEPARATOR)
        if separator and task.score:
            found.append(ProbeLine(task, base, probe))
        elif task.drop.get("probe") == "overlap":
            found.append(ProbeLine(task, task.name, "overlap"))
    return found
