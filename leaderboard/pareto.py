"""Quality joined to speed and price: what the Pareto page shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any  # plotly's JSON

from django.db.models import Avg, Count, F, FloatField, Q
from django.db.models.functions import Cast
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from arena.models import Answer, AnswerOrigin, WorkStatus
from leaderboard.charts import Chart
from leaderboard.models import Board, Rating
from leaderboard.pareto_front import Measured, front_probabilities
from leaderboard.selectors import rating_rows
from leaderboard.services import latest_snapshot
from speed.metrics.cost import Cost, Price, cost_of
from speed.models import SpeedPhase
from speed.selectors import speed_of_models

HEIGHT = 460
ON_FRONT = 0.5  # a model is drawn as part of the front when this likely


@dataclass(frozen=True, slots=True)
class UsersMet:
    """Mean figures of the answers of live battles: speed as users met it, and tokens per answer."""

    answers: int
    ttft_s: float | None
    tpot_s: float | None
    input_tokens: float | None
    output_tokens: float | None


@dataclass(frozen=True, slots=True)
class Line:
    """A model with everything that is known of it."""

    rating: Rating
    speed: SpeedPhase | None
    users: UsersMet | None
    cost: Cost

    @property
    def win_share(self) -> float:
        """Won battles and half the ties over all that were decided or tied."""
        row = self.rating
        counted = row.wins + row.losses + row.ties
        return (row.wins + 0.5 * row.ties) / counted if counted else 0.0

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


def pareto_lines(ratings: Sequence[Rating]) -> list[Line]:
    """Ratings joined with speed and price: two queries whatever their number."""
    ids = [row.model_id for row in ratings]
    speeds = speed_of_models(ids)
    users = users_met(ids)
    return [
        Line(row, speeds.get(row.model_id), met := users.get(row.model_id), _cost(row, met))
        for row in ratings
    ]


def users_met(model_ids: Sequence[int]) -> dict[int, UsersMet]:
    """Per model the means over its stored answers; timings of live battles only."""
    live = Q(origin=AnswerOrigin.LIVE, ttft_s__isnull=False)
    decoding = (F("latency_s") - F("ttft_s")) / (Cast("output_tokens", FloatField()) - 1)
    rows = (
        Answer.objects.filter(model_id__in=model_ids, status=WorkStatus.DONE)
        .order_by()
        .values("model_id")
        .annotate(
            n=Count("id", filter=live),
            ttft=Avg("ttft_s", filter=live),
            tpot=Avg(decoding, filter=live & Q(latency_s__gt=F("ttft_s"), output_tokens__gt=1)),
            tokens_in=Avg("input_tokens"),
            tokens_out=Avg("output_tokens"),
        )
    )
    return {
        row["model_id"]: UsersMet(
            row["n"], row["ttft"], row["tpot"], row["tokens_in"], row["tokens_out"]
        )
        for row in rows
    }


def _cost(row: Rating, met: UsersMet | None) -> Cost:
    price = Price(
        per_million_input=row.model.price_in_per_mtok,
        per_million_output=row.model.price_out_per_mtok,
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


def pareto_points(lines: Sequence[Line], axis: Axis, *, seed: int = 0) -> list[Point]:
    """The models that have a figure on the axis, cheapest or fastest first."""
    known = [(line, at) for line in lines if (at := axis.read(line)) is not None]
    quality = [
        Measured(line.rating.rating, line.rating.rating_lower, line.rating.rating_upper)
        for line, _at in known
    ]
    # a front of costs: what is better when higher is turned over, far above zero
    ceiling = 2 * max((at.upper or at.value for _line, at in known), default=0.0)
    cost = [at if axis.sign > 0 else Measured(ceiling - at.value) for _line, at in known]
    chances = front_probabilities(quality, cost, seed=seed)
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
        "y": [point.line.rating.rating for point in points],
        "text": [point.line.rating.model.display_name for point in points],
        "textposition": "top center",
        "error_x": _bars([point.at for point in points]),
        "error_y": _bars(
            [Measured(r.rating, r.rating_lower, r.rating_upper) for r in _ratings(points)]
        ),
    }
    line = {
        "type": "scatter",
        "mode": "lines",
        "name": _("likely front"),
        "x": [point.at.value for point in likely],
        "y": [point.line.rating.rating for point in likely],
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
            point.line.rating.model.display_name,
            f"{point.line.rating.rating:.1f}",
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


def _ratings(points: Sequence[Point]) -> list[Rating]:
    return [point.line.rating for point in points]


def _bars(figures: Sequence[Measured]) -> dict[str, Any]:
    return {
        "type": "data",
        "symmetric": False,
        "array": [0.0 if f.upper is None else max(0.0, f.upper - f.value) for f in figures],
        "arrayminus": [0.0 if f.lower is None else max(0.0, f.value - f.lower) for f in figures],
    }


@require_safe
def pareto_page(request: HttpRequest) -> HttpResponse:
    """The page; any public board gives the quality: people's votes, judges or benchmark scores."""
    boards = Board.objects.all() if request.user.is_staff else Board.objects.filter(is_public=True)
    shown = list(boards)
    wanted = request.GET.get("board", "")
    board = next((board for board in shown if wanted in ("", board.slug)), None)
    if wanted and board is None:
        raise Http404
    name = request.GET.get("axis", "")
    axis = next((axis for axis in AXES if axis.name == name), AXES[0])
    snapshot = latest_snapshot(board) if board else None
    lines = pareto_lines(rating_rows(snapshot)) if snapshot else []
    points = pareto_points(lines, axis, seed=snapshot.seed if snapshot else 0)
    context = {
        "boards": shown,
        "board": board,
        "snapshot": snapshot,
        "axes": AXES,
        "axis": axis,
        "lines": lines,
        "points": points,
        "chart": pareto_chart(points, axis, _("Rating")) if points else None,
    }
    return render(request, "leaderboard/pareto.html", context)
