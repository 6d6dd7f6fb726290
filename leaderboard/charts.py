"""Plotly figures as plain dictionaries: pure, without Django and without plotly itself.

A figure is ``{"data": [...], "layout": {...}}``; the page themes it. Each comes with the table
that says the same in words, as a list of columns and rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Figure = dict[str, Any]  # plotly's JSON

# colours are the page's tokens; the page's script turns them into values of the reader's theme
DEFAULT_HEIGHT, FRAME = 340, 18  # pixels
DIVERGING = ((0.0, "var(--side-b)"), (0.5, "var(--surface)"), (1.0, "var(--side-a)"))
SEQUENTIAL = ((0.0, "var(--surface)"), (1.0, "var(--accent)"))


@dataclass(frozen=True, slots=True)
class Chart:
    """A figure, its title, and its table twin."""

    key: str
    title: str
    figure: Figure
    columns: list[str]
    rows: list[list[str]]

    def as_context(self) -> dict[str, Any]:
        """What the chart's template takes."""
        return {
            "key": self.key,
            "title": self.title,
            "figure": self.figure,
            "height": f"{self.figure['layout'].get('height', DEFAULT_HEIGHT) + FRAME}px",
            "columns": self.columns,
            "rows": [list(row) for row in self.rows],
        }


@dataclass(frozen=True, slots=True)
class PairCount:
    """Battles between two models; ``wins_a`` + ``wins_b`` + ``ties`` + ``both_bad`` = battles."""

    model_a: str
    model_b: str
    battles: int
    wins_a: int
    wins_b: int
    ties: int
    both_bad: int

    @property
    def decided(self) -> int:
        return self.wins_a + self.wins_b

    def win_fraction_of_a(self) -> float | None:
        """Wins plus half the ties over all battles but "both bad"; None when there are none."""
        counted = self.decided + self.ties
        return (self.wins_a + 0.5 * self.ties) / counted if counted else None


@dataclass(frozen=True, slots=True)
class RatedModel:
    """What the charts need of a board's line, best first."""

    name: str
    rating: float
    lower: float | None
    upper: float | None


Matrix = list[list[float | None]]


def win_fraction_matrix(models: Sequence[str], pairs: Sequence[PairCount]) -> Matrix:
    """``matrix[i][j]``: share of battles that model i won against model j, ties half."""
    place = {name: index for index, name in enumerate(models)}
    matrix: Matrix = [[None] * len(models) for _ in models]
    for pair in pairs:
        if pair.model_a not in place or pair.model_b not in place:
            continue
        fraction = pair.win_fraction_of_a()
        if fraction is not None:
            i, j = place[pair.model_a], place[pair.model_b]
            matrix[i][j], matrix[j][i] = fraction, 1 - fraction
    return matrix


def win_fraction_chart(title: str, models: Sequence[str], pairs: Sequence[PairCount]) -> Chart:
    matrix = win_fraction_matrix(models, pairs)
    text = [["" if cell is None else f"{cell:.0%}" for cell in row] for row in matrix]
    figure = _heatmap(models, matrix, text, DIVERGING, zmin=0.0, zmax=1.0)
    return Chart("win_fraction", title, figure, ["", *models], _labelled(models, text))


def battle_count_chart(title: str, models: Sequence[str], pairs: Sequence[PairCount]) -> Chart:
    place = {name: index for index, name in enumerate(models)}
    counts: Matrix = [[None] * len(models) for _ in models]
    for pair in pairs:
        if pair.model_a in place and pair.model_b in place:
            i, j = place[pair.model_a], place[pair.model_b]
            counts[i][j] = counts[j][i] = pair.battles
    text = [["" if cell is None else f"{cell:.0f}" for cell in row] for row in counts]
    figure = _heatmap(models, counts, text, SEQUENTIAL, zmin=0.0)
    return Chart("battle_count", title, figure, ["", *models], _labelled(models, text))


def rating_chart(title: str, axis: str, models: Sequence[RatedModel]) -> Chart:
    """Ratings as dots with their intervals, best at the top."""
    ordered = list(reversed(models))
    trace = {
        "type": "scatter",
        "mode": "markers",
        "x": [model.rating for model in ordered],
        "y": [model.name for model in ordered],
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [_reach(model.upper, model.rating) for model in ordered],
            "arrayminus": [_reach(model.rating, model.lower) for model in ordered],
        },
        "hovertemplate": "%{y}: %{x:.1f}<extra></extra>",
    }
    layout = {
        "xaxis": {"title": {"text": axis}},
        "yaxis": {"type": "category", "automargin": True},
        "height": 120 + 28 * len(models),
    }
    rows = [[m.name, f"{m.rating:.1f}", _number(m.lower), _number(m.upper)] for m in models]
    columns = ["", axis, "95 % ↓", "95 % ↑"]
    return Chart("rating", title, {"data": [trace], "layout": layout}, columns, rows)


def average_win_rate_chart(title: str, axis: str, rates: Mapping[str, float]) -> Chart:
    """Rates by model, the best first."""
    known = sorted(rates.items(), key=lambda item: -item[1])
    trace = {
        "type": "bar",
        "x": [name for name, _ in known],
        "y": [rate for _, rate in known],
        "hovertemplate": "%{x}: %{y:.1%}<extra></extra>",
    }
    layout = {
        "yaxis": {"title": {"text": axis}, "range": [0, 1], "tickformat": ".0%"},
        "xaxis": {"type": "category", "automargin": True},
    }
    rows = [[name, f"{rate:.1%}"] for name, rate in known]
    figure = {"data": [trace], "layout": layout}
    return Chart("average_win_rate", title, figure, ["", axis], rows)


def _heatmap(
    models: Sequence[str],
    z: Matrix,
    text: Sequence[Sequence[str]],
    colorscale: Sequence[tuple[float, str]],
    **bounds: float,
) -> Figure:
    trace: Mapping[str, Any] = {
        "type": "heatmap",
        "x": list(models),
        "y": list(models),
        "z": z,
        "text": text,
        "texttemplate": "%{text}",
        "hovertemplate": "%{y} – %{x}: %{text}<extra></extra>",
        "hoverongaps": False,
        "xgap": 1,
        "ygap": 1,
        "colorscale": colorscale,
        **bounds,
    }
    layout = {
        "xaxis": {"type": "category", "side": "top", "automargin": True, "tickangle": -40},
        "yaxis": {"type": "category", "autorange": "reversed", "automargin": True},
        "height": 160 + 34 * len(models),
    }
    return {"data": [trace], "layout": layout}


def _labelled(models: Sequence[str], text: Sequence[Sequence[str]]) -> list[list[str]]:
    return [[name, *row] for name, row in zip(models, text, strict=True)]


def _reach(high: float | None, low: float | None) -> float:
    return high - low if high is not None and low is not None else 0.0


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"
