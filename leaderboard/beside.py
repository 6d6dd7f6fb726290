"""What stands beside the ratings of a board where it exists: serving speed and benchmark scores.

Both are pulled from their rooms and never mixed: a speed is one that may be quoted (green or
amber), a benchmark column holds one way of measuring.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from leaderboard.benchmark_columns import BenchmarkColumn, Score, benchmark_columns
from speed.models import SpeedPhase, SpeedRun
from speed.selectors import speed_of_models

BENCHMARKS_SHOWN: Final = 3
"""Benchmarks that are shown unless a reader chooses others: those that most of the models have."""
BENCHMARKS_OFFERED: Final = 30
_RUN, _TASK = 987654321, 987654322  # stand in an address for a run and its task or phase
NO_COLUMN: Final = "none"
"""Stands in the address for a reader who wants no further column."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A figure as text, what it sorts by, its uncertainty and origin in words, and its way back."""

    text: str
    value: float
    note: str
    href: str = ""
    is_doubtful: bool = False


@dataclass(frozen=True, slots=True)
class BesideColumn:
    """One more column of a board; ``cells`` are by model id."""

    key: str
    label: str
    way: str
    cells: Mapping[int, Cell]
    is_shown: bool


@dataclass(frozen=True, slots=True)
class Beside:
    """``is_unequal``: the speeds shown were not all measured with the same work and load."""

    offered: list[BesideColumn]
    is_unequal: bool

    @property
    def columns(self) -> list[BesideColumn]:
        return [column for column in self.offered if column.is_shown]

    @property
    def query(self) -> str:
        """The shown columns for the address of the same board as data, behind what it has."""
        return "".join(f"&{urlencode({'column': column.key})}" for column in self.columns)

    @property
    def without(self) -> str:
        """What the address says when a reader chooses columns; alone it hides them all."""
        return NO_COLUMN


def columns_beside(
    model_ids: Collection[int], *, asked: Sequence[str] | None, for_staff: bool
) -> Beside:
    """Columns about these models; ``asked`` are the keys a reader chose, None for the usual."""
    phases = speed_of_models(model_ids)
    shown = set(asked) if asked is not None else None
    columns = _speed_columns(phases, shown, for_staff=for_staff)
    models = set(model_ids)
    found = [column for column in benchmark_columns() if column.models & models]
    # most of the board's models first; a name settles the rest, so that the order is stable
    found.sort(key=lambda column: (-len(column.models & models), column.title))
    for place, column in enumerate(found[:BENCHMARKS_OFFERED]):
        is_shown = place < BENCHMARKS_SHOWN if shown is None else column.key in shown
        columns.append(_benchmark_column(column, is_shown=is_shown))
    return Beside(columns, len(phases) > 1 and _is_unequal(phases.values()))


def _speed_columns(
    phases: Mapping[int, SpeedPhase], shown: set[str] | None, *, for_staff: bool
) -> list[BesideColumn]:
    columns = []
    words = _SpeedWords.look_up(for_staff=for_staff)
    for key, label, digits in (("ttft", _("TTFT, ms"), 0), ("tpot", _("Per token, ms"), 1)):
        cells = {
            model: cell
            for model, phase in phases.items()
            if (cell := _speed_cell(phase, key, digits, words))
        }
        if cells:
            is_shown = shown is None or key in shown
            columns.append(BesideColumn(key, label, _("serving speed"), cells, is_shown))
    return columns


@dataclass(frozen=True, slots=True)
class _SpeedWords:
    """What the cells of a speed's column have in common, looked up once."""

    interval: str
    load: str
    doubt: str
    address: str

    @classmethod
    def look_up(cls, *, for_staff: bool) -> _SpeedWords:
        return cls(
            # xgettext:no-python-format
            interval=_("95 % interval"),
            load=_("load: %(load)s"),
            doubt=_("measured under conditions that leave some doubt"),
            address=reverse("speed_phase", args=(_RUN, _TASK)) if for_staff else "",
        )


def _speed_cell(phase: SpeedPhase, key: str, digits: int, words: _SpeedWords) -> Cell | None:
    value = getattr(phase, f"{key}_s")
    if value is None:
        return None
    lower, upper = getattr(phase, f"{key}_lower_s"), getattr(phase, f"{key}_upper_s")
    text = f"{1000 * value:.{digits}f}"
    notes = [words.load % {"load": phase.name}]
    if lower is not None and upper is not None:
        ends = f"{1000 * lower:.{digits}f} – {1000 * upper:.{digits}f}"
        notes.insert(0, f"{words.interval} {ends}")
    is_doubtful = phase.grade != "green"
    if is_doubtful:
        notes.append(words.doubt)
    href = words.address.replace(str(_TASK), str(phase.number)).replace(
        str(_RUN), str(phase.run_id)
    )
    return Cell(text, 1000 * value, "; ".join(notes), href, is_doubtful)


def _is_unequal(phases: Collection[SpeedPhase]) -> bool:
    runs = SpeedRun.objects.filter(pk__in={phase.run_id for phase in phases})
    work = dict(runs.values_list("pk", "workload_key"))
    return len({(work[phase.run_id], phase.load, phase.level) for phase in phases}) > 1


def _benchmark_column(column: BenchmarkColumn, *, is_shown: bool) -> BesideColumn:
    """Cells only where they are shown: a board may offer thirty columns of hundreds of models."""
    cells: dict[int, Cell] = {}
    if is_shown:
        run_address = reverse("benchmark_run", args=(_RUN,))
        samples_address = reverse("benchmark_samples", args=(_RUN, _TASK))
        # xgettext:no-python-format
        interval = _("95 % interval")
        sizes = {
            n: ngettext("%(n)s sample", "%(n)s samples", n) % {"n": n}
            for n in {found.samples for found in column.scores.values()}
        }
        for model, found in column.scores.items():
            address = run_address if found.task is None else samples_address
            href = address.replace(str(_TASK), str(found.task)).replace(str(_RUN), str(found.run))
            cells[model] = _benchmark_cell(found, interval, sizes[found.samples], href)
    return BesideColumn(column.key, column.title, column.way, cells, is_shown)


def _benchmark_cell(found: Score, interval: str, samples: str, href: str) -> Cell:
    factor, digits = (100, 1) if 0 <= found.value <= 1 else (1, 3)
    note = samples
    if found.lower is not None and found.upper is not None:
        ends = f"{factor * found.lower:.{digits}f} – {factor * found.upper:.{digits}f}"
        note = f"{interval} {ends}; {samples}"
    return Cell(f"{factor * found.value:.{digits}f}", found.value, note, href)
