"""The columns beside a board's ratings as data: what the JSON and the CSV of a board carry.

Only those that the address names: a file without them stays as it was when a score comes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from leaderboard.benchmark_columns import benchmark_columns
from speed.models import SpeedPhase
from speed.selectors import speed_of_models

SPEEDS: Final = ("ttft", "tpot")

Figures = Mapping[str, float | int | str | None]


@dataclass(frozen=True, slots=True)
class FigureColumn:
    """``names``: what the column's own value and ends are called in a CSV.

    ``about``: what tells it from other columns. ``figures``: by model id, each with ``value``,
    ``lower`` and ``upper``, then what else is known of it.
    """

    key: str
    names: tuple[str, str, str]
    about: Mapping[str, str]
    figures: Mapping[int, Figures]


def figures_beside(model_ids: Collection[int], keys: Sequence[str] | None) -> list[FigureColumn]:
    """The columns of ``keys`` that hold a figure of one of these models, speeds first.

    None asks for no column, and what no column is called is left aside.
    """
    wanted = set(keys or ())
    speeds = wanted.intersection(SPEEDS)
    phases = speed_of_models(model_ids) if speeds else {}
    columns = [_speed(key, phases) for key in SPEEDS if key in speeds]
    models = set(model_ids)
    for column in benchmark_columns() if wanted - speeds else []:
        if column.key in wanted and column.models & models:
            name = f"{column.title} {column.way}"
            figures = {
                model: {"value": score.value, "lower": score.lower, "upper": score.upper,
                        "samples": score.samples}
                for model, score in column.scores.items() if model in models
            }  # fmt: skip
            about = {"kind": "benchmark", "title": column.title, "metric": column.metric,
                     "protocol": column.protocol}  # fmt: skip
            names = (name, f"{name} lower", f"{name} upper")
            columns.append(FigureColumn(column.key, names, about, figures))
    return [column for column in columns if column.figures]


def _speed(key: str, phases: Mapping[int, SpeedPhase]) -> FigureColumn:
    figures: dict[int, Figures] = {
        model: {
            "value": value,
            "lower": getattr(phase, f"{key}_lower_s"),
            "upper": getattr(phase, f"{key}_upper_s"),
            "load": phase.name,
            "grade": phase.grade,
        }
        for model, phase in phases.items()
        if (value := getattr(phase, f"{key}_s")) is not None
    }
    names = (f"{key}_s", f"{key}_lower_s", f"{key}_upper_s")
    return FigureColumn(key, names, {"kind": "speed", "title": key, "unit": "s"}, figures)


def as_json(columns: Sequence[FigureColumn], slugs: Mapping[int, str]) -> list[dict[str, Any]]:
    """Each column with its figures by the model's slug, in the order of the ratings."""
    return [
        {
            "key": column.key,
            **column.about,
            "figures": {
                slug: dict(column.figures[pk]) for pk, slug in slugs.items() if pk in column.figures
            },
        }
        for column in columns
    ]


def as_cells(columns: Sequence[FigureColumn], model_id: int) -> Iterator[tuple[str, object]]:
    """Names and values of a model's cells; a figure that is not there is an empty cell."""
    for column in columns:
        found = column.figures.get(model_id, {})
        for name, end in zip(column.names, ("value", "lower", "upper"), strict=True):
            yield name, found.get(end)
        if column.about["kind"] == "speed":
            yield f"{column.key}_load", found.get("load")
            yield f"{column.key}_grade", found.get("grade")
