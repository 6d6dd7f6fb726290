"""Quality joined to speed and price: what the Pareto page shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any  # plotly's JSON

import numpy as np
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from arena.models import LanguageModel
from leaderboard.charts import Chart
from leaderboard.pareto_front import Measured, front_probabilities
from leaderboard.pareto_quality import Quality, Subject
from leaderboard.users_met import UsersMet, users_met
from speed.metrics.cost import Cost, Price, cost_of
from speed.models import SpeedPhase
from speed.selectors import speed_of_models

HEIGHT = 460
ON_FRONT = 0.5  # a model is drawn as part of the front when this likely


@dataclass(frozen=True, slots=True)
class Line:
    """A model with everything that is known of it; ``place`` is its subject's."""

    subject: Subject
    place: int
    speed: SpeedPhase | None
    users: UsersMet | None
    cost: Cost

    @property
    def model(self) -> LanguageModel:
        return self.subject.model

    @property
    def quality(self) -> Measured:
        return self.subject.quality

    @property
    def win_share(self) -> float:
        """Won battles and half the ties over all that were decided or tied."""
        row = self.subject.rating
        counted = row.wins + row.losses + row.ties if row else 0
        return (row.wins + 0.5 * row.ties) / counted if row and counted else 0.0

    @property
    def cost_per_win(self) -> float | None:
        return self.cost.per_win(self.win_share)


@dataclass(frozen=True, slots=True)
class Axis:
    """What quality is held against; ``sign`` -1 where more is better. Values are as displayed."""

    name: str
    label: str | Promise
    read: Callable[[Line], Measured | None]
    sign: float = 1.0


def _of_speed(name: str, factor: float = 1.0) -> Callable[[Line], Measured | None]:
    def read(line: Line) -> Measured | None:
        value = getattr(line.speed, f"{name}_s", None)
        if value is None:
            return None
        bounds = [getattr(line.speed, f"{name}_{side}_s") for side in ("lower", "upper")]
        lower, upper = (None if bound is None else bound * factor for bound in bounds)
        return Measured(value * factor, lower, upper)

    return read


def _exact(read: Callable[[Line], float | None]) -> Callable[[Line], Measured | None]:
    def wrapped(line: Line) -> Measured | None:
        value = read(line)
        return None if value is None else Measured(value)

    return wrapped


AXES = (
    Axis("tpot", gettext_lazy("Time per output token, ms"), _of_speed("tpot", 1000)),
    Axis("ttft", gettext_lazy("Time to first token, ms"), _of_speed("ttft", 1000)),
    Axis(
        "throughput",
        gettext_lazy("Output tokens per second"),
        _exact(lambda line: line.speed.output_tokens_per_s if line.speed else None),
        sign=-1.0,
    ),
    Axis(
        "price",
        gettext_lazy("USD per million output tokens"),
        _exact(lambda line: line.cost.per_million_output),
    ),
    Axis("answer", gettext_lazy("USD per answer"), _exact(lambda line: line.cost.per_answer)),
    Axis("win", gettext_lazy("USD per win"), _exact(lambda line: line.cost_per_win)),
    Axis(
        "users_ttft",
        gettext_lazy("Time to first token as users met it, ms"),
        _exact(
            lambda line: (
                1000 * line.users.ttft_s if line.users and line.users.ttft_s is not None else None
            )
        ),
    ),
)


def pareto_lines(subjects: Sequence[Subject]) -> list[Line]:
    """Subjects joined with speed and price: two queries whatever their number."""
    ids = [subject.model.pk for subject in subjects]
    speeds = speed_of_models(ids)
    users = users_met(ids)
    return [
        Line(
            subject,
            place,
            speeds.get(subject.model.pk),
            met := users.get(subject.model.pk),
            _cost(subject.model, met),
        )
        for place, subject in enumerate(subjects)
    ]


def _cost(model: LanguageModel, met: UsersMet | None) -> Cost:
    price = Price(
        per_million_input=model.price_in_per_mtok,
        per_million_output=model.price_out_per_mtok,
    )
    if met is None or met.output_tokens is None:
        return Cost(price.per_million_output, price.per_million_input, None)
    return cost_of(
        price,
        input_tokens=met.input_tokens or 0.0,
        output_tokens=met.output_tokens,
        answers=1,
        window_s=0.0,
    )


@dataclass(frozen=True, slots=True)
class Point:
    """A model on the plane, and how likely it lies on the front."""

    line: Line
    at: Measured
    probability: float

    @property
    def percent(self) -> float:
        return 100 * self.probability


def pareto_points(lines: Sequence[Line], axis: Axis, quality: Quality) -> list[Point]:
    """The models that have a figure on the axis, cheapest or fastest first."""
    known = [(line, at) for line in lines if (at := axis.read(line)) is not None]
    # a front of costs: what is better when higher is turned over, far above zero
    ceiling = 2 * max((at.upper or at.value for _line, at in known), default=0.0)
    cost = [at if axis.sign > 0 else Measured(ceiling - at.value) for _line, at in known]
    places = [line.place for line, _at in known]
    covariance = quality.covariance
    chances = front_probabilities(
        [line.quality for line, _at in known],
        cost,
        seed=quality.seed,
        covariance=None if covariance is None else covariance[np.ix_(places, places)],
    )
    points = [Point(line, at, chance) for (line, at), chance in zip(known, chances, strict=True)]
    return sorted(points, key=lambda point: axis.sign * point.at.value)


def pareto_chart(points: Sequence[Point], axis: Axis, quality: str) -> dict[str, Any]:
    """Every model with both intervals; the likely front as a line."""
    likely = [point for point in points if point.probability >= ON_FRONT]
    marks = {
        "type": "scatter",
        "mode": "markers+text",
        "name": _("models"),
        "x": [point.at.value for point in points],
        "y": [point.line.quality.value for point in points],
        "text": [point.line.model.display_name for point in points],
        "textposition": "top center",
        "error_x": _bars([point.at for point in points]),
        "error_y": _bars([point.line.quality for point in points]),
    }
    line = {
        "type": "scatter",
        "mode": "lines",
        "name": _("likely front"),
        "x": [point.at.value for point in likely],
        "y": [point.line.quality.value for point in likely],
        "line": {"dash": "dot"},
        "hoverinfo": "skip",
    }
    layout = {
        "height": HEIGHT,
        "xaxis": {"title": {"text": str(axis.label)}, "rangemode": "tozero"},
        "yaxis": {"title": {"text": quality}},
    }
    rows = [
        [
            point.line.model.display_name,
            f"{point.line.quality.value:.1f}",
            f"{point.at.value:.4g}",
            f"{point.percent:.0f} %",
        ]
        for point in points
    ]
    columns = [_("Model"), quality, str(axis.label), _("on the front")]
    title = _("Quality against %(axis)s") % {"axis": axis.label}
    return Chart(
        "pareto", title, {"data": [marks, line], "layout": layout}, columns, rows
    ).as_context()


def _bars(figures: Sequence[Measured]) -> dict[str, Any]:
    return {
        "type": "data",
        "symmetric": False,
        "array": [0.0 if f.upper is None else max(0.0, f.upper - f.value) for f in figures],
        "arrayminus": [0.0 if f.lower is None else max(0.0, f.value - f.lower) for f in figures],
    }
