"""Figures of the benchmark pages as plain dictionaries; each with the table that says the same."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from benchmarks.board import Board, BoardCell
from benchmarks.models import Sample

# a zero is not the page's own colour, which means that nothing was measured
SEQUENTIAL = ((0.0, "var(--sunken)"), (1.0, "var(--accent)"))

# names of more tasks than these would be turned on their side and left out
MOST_TASKS_ACROSS = 12
ROW_HEIGHT, LOW_ROW_HEIGHT = 34, 22

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
CAPABILITY_WORDS = {
    "knowledge": gettext_lazy("knowledge"),
    "common sense": gettext_lazy("common sense"),
    "reasoning": gettext_lazy("reasoning"),
    "mathematics": gettext_lazy("mathematics"),
    "programming": gettext_lazy("programming"),
    "truthfulness": gettext_lazy("truthfulness"),
    "long context": gettext_lazy("long context"),
}


def heat_map(board: Board) -> dict[str, Any]:
    """Scores of models by tasks."""
    names = [_column_name(column.task, column.number) for column in board.columns]
    values = [[_value(cell) for cell in row] for _model, row in board.rows()]
    models = [m.display_name for m in board.models]
    if len(names) > max(MOST_TASKS_ACROSS, len(models)):
        # many tasks stand below each other, where their names have room
        columns = [list(column) for column in zip(*values, strict=True)]
        made = _heat("heat", _("Scores by task"), models, names, columns, corner=_("Task"))
        made["figure"]["layout"]["xaxis"]["side"] = "top"
        return made
    return _heat("heat", _("Scores by task"), names, models, values)


def _column_name(task: str, number: int) -> str:
    return task if number == 1 else f"{task} ({number})"


def _value(cell: BoardCell | None) -> float | None:
    value = cell.score.get("value") if cell is not None else None
    return round(100 * value, 1) if isinstance(value, float) and 0 <= value <= 1 else None


def _heat(
    key: str,
    title: str,
    columns: Sequence[str],
    rows: Sequence[str],
    values: Sequence[Sequence[float | None]],
    *,
    corner: str = "",
    axes: tuple[str, str] = ("", ""),
) -> dict[str, Any]:
    height = ROW_HEIGHT if len(rows) <= MOST_TASKS_ACROSS else LOW_ROW_HEIGHT
    figure = {
        "data": [{
            "type": "heatmap", "x": list(columns), "y": list(rows),
            "z": [list(line) for line in values], "zmin": 0, "zmax": 100,
            "colorscale": [list(stop) for stop in SEQUENTIAL], "hoverongaps": False,
            "texttemplate": "%{z}", "xgap": 2, "ygap": 2,
            "hovertemplate": "%{y} · %{x}: %{z}<extra></extra>",
        }],
        "layout": {
            "height": 60 + height * len(rows) + max(100, 7 * max(map(len, columns), default=0)),
            # lengths and depths are names here: as numbers they would be drawn to scale
            "xaxis": {"type": "category", "automargin": True, "title": {"text": axes[0]}},
            "yaxis": {"type": "category", "autorange": "reversed", "automargin": True,
                      "title": {"text": axes[1]}, "tickmode": "linear"},
        },
    }  # fmt: skip
    table = [
        [name, *("–" if v is None else f"{v:g}" for v in line)]
        for name, line in zip(rows, values, strict=True)
    ]
    return {"key": key, "title": title, "figure": figure,
            "columns": [corner or _("Model"), *columns], "rows": table}  # fmt: skip


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
                 [str(n) for n in lengths], [f"{d:g}" for d in depths], values,
                 corner=_("Depth (%)"), axes=(_("Length (tokens)"), _("Depth (%)")))  # fmt: skip


def _mean_percent(values: Sequence[float]) -> float | None:
    return round(100 * sum(values) / len(values), 1) if values else None


def capability_radar(board: Board, most: int = 4) -> dict[str, Any] | None:
    """Mean score by capability for the first models that have at least three capabilities."""
    by_model = {model.display_name: _capabilities(row) for model, row in board.rows()}
    # a polygon through a capability that was never measured would claim a zero
    shown = {name: found for name, found in by_model.items() if len(found) >= 3}
    shown = dict(list(shown.items())[:most])
    axes = sorted(set.intersection(*(set(found) for found in shown.values()))) if shown else []
    if len(axes) < 3:
        return None
    words = [str(CAPABILITY_WORDS[axis]) for axis in axes]
    traces = [
        {"type": "scatterpolar", "name": name, "theta": words, "fill": "toself",
         "r": [round(found[axis], 1) for axis in axes]}
        for name, found in shown.items()
    ]  # fmt: skip
    rows = [[name, *(f"{found[axis]:.1f}" for axis in axes)] for name, found in shown.items()]
    layout = {"polar": {"radialaxis": {"range": [0, 100]}}, "height": 380}
    return {"key": "radar", "title": _("By capability"), "columns": [_("Model"), *words],
            "note": _("Mean score in percent over the tasks of each capability."),
            "figure": {"data": traces, "layout": layout}, "rows": rows}  # fmt: skip


def _capabilities(cells: Sequence[BoardCell | None]) -> dict[str, float]:
    found: dict[str, list[float]] = defaultdict(list)
    for cell in cells:
        value = _value(cell)
        if cell is None or value is None:
            continue
        for capability, beginnings in CAPABILITIES:
            if cell.name.startswith(beginnings):
                found[capability].append(value)
    return {name: sum(values) / len(values) for name, values in found.items()}
