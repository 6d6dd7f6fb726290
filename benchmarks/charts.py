"""Figures of the benchmark pages as plain dictionaries; each with the table that says the same."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from benchmarks.models import BenchmarkTask, Sample
from benchmarks.selectors import Board

SEQUENTIAL = ((0.0, "var(--surface)"), (1.0, "var(--accent)"))
RADAR_SIZE, RADAR_RADIUS, RADAR_LABEL = 340, 110, 126

# which capability a task shows, by the beginning of its name
CAPABILITIES = (
    ("knowledge", ("mmlu", "ceval", "cmmlu", "arc_", "openllm::arc", "triviaqa", "race")),
    ("common sense", ("hellaswag", "winogrande", "openllm::hellaswag", "openllm::wino", "copa")),
    ("reasoning", ("bbh", "boolq", "cb", "rte", "wic", "wsc", "multirc", "record")),
    ("mathematics", ("gsm8k", "openllm::gsm8k", "hendrycks_math", "minerva")),
    ("programming", ("humaneval", "mbpp", "general_code")),
    ("truthfulness", ("truthfulqa",)),
    ("long context", ("needle", "niah", "ruler")),
)


def heat_map(board: Board) -> dict[str, Any]:
    """Scores of models by tasks."""
    names = [_column_name(column.task, column.number) for column in board.columns]
    values = [[_value(task) for task in tasks] for _model, tasks in board.rows()]
    return _heat("heat", _("Scores by task"), names, [m.display_name for m in board.models], values)


def _column_name(task: str, number: int) -> str:
    return task if number == 1 else f"{task} ({number})"


def _value(task: BenchmarkTask | None) -> float | None:
    value = task.score.get("value") if task is not None else None
    return round(100 * value, 1) if isinstance(value, float) and 0 <= value <= 1 else None


def _heat(
    key: str,
    title: str,
    columns: Sequence[str],
    rows: Sequence[str],
    values: Sequence[Sequence[float | None]],
) -> dict[str, Any]:
    figure = {
        "data": [{
            "type": "heatmap", "x": list(columns), "y": list(rows),
            "z": [list(line) for line in values], "zmin": 0, "zmax": 100,
            "colorscale": [list(stop) for stop in SEQUENTIAL], "hoverongaps": False,
            "hovertemplate": "%{y} · %{x}: %{z}<extra></extra>",
        }],
        "layout": {"height": max(220, 60 + 34 * len(rows)), "yaxis": {"autorange": "reversed"}},
    }  # fmt: skip
    table = [
        [name, *("–" if v is None else f"{v:g}" for v in line)]
        for name, line in zip(rows, values, strict=True)
    ]
    return {"key": key, "title": title, "figure": figure, "columns": [_("Model"), *columns],
            "rows": table}  # fmt: skip


def needle_map(samples: Sequence[Sample]) -> dict[str, Any] | None:
    """Share found by length and depth; None for samples of another kind."""
    cells: dict[tuple[int, float], list[float]] = defaultdict(list)
    for sample in samples:
        if isinstance(sample.doc, dict) and "depth" in sample.doc and sample.value is not None:
            cells[int(sample.doc["length"]), float(sample.doc["depth"])].append(sample.value)
    if not cells:
        return None
    lengths = sorted({length for length, _ in cells})
    depths = sorted({depth for _, depth in cells})
    values = [
        [_mean_percent(cells.get((length, depth), [])) for length in lengths] for depth in depths
    ]
    return _heat("needle", _("Found, by length (tokens) and depth (%)"),
                 [str(n) for n in lengths], [f"{d:g}" for d in depths], values)  # fmt: skip


def _mean_percent(values: Sequence[float]) -> float | None:
    return round(100 * sum(values) / len(values), 1) if values else None


@dataclass(frozen=True, slots=True)
class RadarShape:
    """A model's polygon; ``points`` is what SVG takes."""

    name: str
    points: str
    values: list[tuple[str, float]]


def capability_radar(board: Board, most: int = 4) -> dict[str, Any] | None:
    """Mean score by capability for the first models that have at least three capabilities."""
    by_model = {model.display_name: _capabilities(tasks) for model, tasks in board.rows()}
    axes = sorted({axis for found in by_model.values() for axis in found})
    if len(axes) < 3:
        return None
    shapes = [
        RadarShape(name, _polygon(axes, found), [(a, found[a]) for a in axes if a in found])
        for name, found in by_model.items()
        if len(found) >= 3
    ][:most]
    labels = [
        {"text": axis, "x": x, "y": y}
        for axis, (x, y) in zip(axes, _corners(len(axes), RADAR_LABEL), strict=True)
    ]
    rings = [_points(_corners(len(axes), RADAR_RADIUS * share / 4)) for share in range(1, 5)]
    return {"shapes": shapes, "labels": labels, "rings": rings, "size": RADAR_SIZE}


def _capabilities(tasks: Sequence[BenchmarkTask | None]) -> dict[str, float]:
    found: dict[str, list[float]] = defaultdict(list)
    for task in tasks:
        value = _value(task)
        if task is None or value is None:
            continue
        for capability, beginnings in CAPABILITIES:
            if task.name.startswith(beginnings):
                found[capability].append(value)
    return {name: sum(values) / len(values) for name, values in found.items()}


def _corners(count: int, radius: float) -> list[tuple[float, float]]:
    middle = RADAR_SIZE / 2
    angles = (2 * math.pi * i / count - math.pi / 2 for i in range(count))
    return [
        (round(middle + radius * math.cos(a), 1), round(middle + radius * math.sin(a), 1))
        for a in angles
    ]


def _points(corners: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x},{y}" for x, y in corners)


def _polygon(axes: Sequence[str], found: Mapping[str, float]) -> str:
    corners = []
    for place, axis in enumerate(axes):
        radius = RADAR_RADIUS * found.get(axis, 0.0) / 100
        corners.append(_corners(len(axes), radius)[place])
    return _points(corners)
