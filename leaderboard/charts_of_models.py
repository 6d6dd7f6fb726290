"""Charts of the models themselves: over time, by category, against price; pure, like ``charts``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from leaderboard.charts import Chart


@dataclass(frozen=True, slots=True)
class PricedModel:
    """A model's rating and what a million output tokens cost, in US dollars."""

    name: str
    rating: float
    price: float


@dataclass(frozen=True, slots=True)
class Track:
    """One model's rating at each of the chart's times; None before it joined."""

    name: str
    ratings: list[float | None]


def history_chart(title: str, axis: str, times: Sequence[str], tracks: Sequence[Track]) -> Chart:
    """Ratings from snapshot to snapshot."""
    traces = [
        {
            "type": "scatter",
            "mode": "lines+markers",
            "name": track.name,
            "x": list(times),
            "y": track.ratings,
            "connectgaps": False,
            "hovertemplate": "%{fullData.name}, %{x}: %{y:.1f}<extra></extra>",
        }
        for track in tracks
    ]
    layout = {
        "xaxis": {"type": "date"},
        "yaxis": {"title": {"text": axis}},
        "height": 420,
    }
    columns = ["", *(track.name for track in tracks)]
    rows = [
        [time, *("" if (value := track.ratings[i]) is None else f"{value:.1f}" for track in tracks)]
        for i, time in enumerate(times)
    ]
    return Chart("history", title, {"data": traces, "layout": layout}, columns, rows)


def radar_chart(title: str, ratings: Mapping[str, Mapping[str, float]]) -> Chart:
    """``ratings[model][category]``; categories in which a drawn model has none are left out."""
    models = list(ratings)
    shared = [
        category
        for category in ratings[models[0]]
        if all(category in ratings[model] for model in models)
    ]
    traces = [
        {
            "type": "scatterpolar",
            "name": model,
            "theta": shared,
            "r": [round(ratings[model][category], 1) for category in shared],
            "fill": "toself",
        }
        for model in models
    ]
    values = [ratings[model][category] for model in models for category in shared]
    room = 0.1 * (max(values) - min(values)) or 1.0
    layout = {
        "polar": {"radialaxis": {"range": [min(values) - room, max(values) + room]}},
        "height": 460,
    }
    rows = [[c, *(f"{ratings[model][c]:.1f}" for model in models)] for c in shared]
    return Chart("radar", title, {"data": traces, "layout": layout}, ["", *models], rows)


def price_chart(title: str, axis: str, price_axis: str, models: Sequence[PricedModel]) -> Chart:
    """Rating against price on a logarithmic axis; those nothing beats at their price are joined."""
    ordered = sorted(models, key=lambda model: (model.price, -model.rating))
    best: list[PricedModel] = []
    for model in ordered:
        if not best or model.rating > best[-1].rating:
            best.append(model)
    traces = [
        {
            "type": "scatter",
            "mode": "markers+text",
            "x": [model.price for model in ordered],
            "y": [model.rating for model in ordered],
            "text": [model.name for model in ordered],
            "textposition": "top center",
            "hovertemplate": "%{text}: %{y:.1f}, $%{x}<extra></extra>",
        },
        {
            "type": "scatter",
            "mode": "lines",
            "x": [model.price for model in best],
            "y": [model.rating for model in best],
            "line": {"dash": "dot", "color": "var(--ink-3)"},
            "hoverinfo": "skip",
        },
    ]
    layout = {
        "xaxis": {"type": "log", "title": {"text": price_axis}},
        "yaxis": {"title": {"text": axis}},
        "showlegend": False,
        "height": 420,
    }
    rows = [[m.name, f"{m.price:g}", f"{m.rating:.1f}"] for m in ordered]
    return Chart("price", title, {"data": traces, "layout": layout}, ["", price_axis, axis], rows)
