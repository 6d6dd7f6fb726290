"""Figures of a report as plain dictionaries with their table twins: no query, no plotly.

The colours are the page's tokens; the page's script turns them into the reader's theme.
"""

from __future__ import annotations

from typing import Any  # plotly's JSON

import numpy as np
from django.utils.translation import gettext as _

from speed.definitions.agon import samples_of
from speed.metrics.percentiles import Floats
from speed.metrics.series import run_series
from speed.metrics.timeline import Timeline

Chart = dict[str, Any]
HEIGHT = 320
FRAME = 18
MAX_POINTS = 1500
TABLE_ROWS = 12
CDF_PERCENTS = (1, 5, 10, 25, 50, 75, 90, 95, 99, 100)


def ttft_chart(key: str, timeline: Timeline) -> Chart:
    """Every request's time to first token at the moment it was sent."""
    ttft = samples_of(timeline)["ttft_s"]
    sent = timeline.sent[timeline.is_success]
    at, values = _thinned(sent - (sent.min() if len(sent) else 0.0), ttft * 1000)
    trace = {
        "type": "scatter",
        "mode": "markers",
        "x": _plain(at),
        "y": _plain(values),
        "marker": {"size": 5},
        "hovertemplate": "%{x:.1f} s: %{y:.1f} ms<extra></extra>",
    }
    series = run_series(timeline)
    rows = [
        [f"{second:.1f}", "" if np.isnan(median) else f"{1000 * median:.1f}"]
        for second, median in _some(series.at_s, series.ttft_median_s)
    ]
    return _chart(
        f"ttft-{key}",
        _("Time to first token over the run"),
        [trace],
        (_("seconds since the start"), _("TTFT, ms")),
        ([_("Second"), _("median TTFT, ms")], rows),
    )


def latency_chart(key: str, timeline: Timeline) -> Chart:
    """The share of requests that were done within a time."""
    samples = samples_of(timeline)
    names = (("ttft_s", _("first token")), ("latency_s", _("whole answer")))
    traces, columns = [], [_("Share of requests")]
    table: list[list[str]] = [[f"{percent} %"] for percent in CDF_PERCENTS]
    for name, label in names:
        values = np.sort(samples[name][~np.isnan(samples[name])]) * 1000
        if not len(values):
            continue
        shares = np.arange(1, len(values) + 1) / len(values)
        x, y = _thinned(values, shares)
        traces.append(
            {
                "type": "scatter",
                "mode": "lines",
                "line": {"shape": "hv"},
                "name": label,
                "x": _plain(x),
                "y": _plain(y),
            }
        )
        columns.append(label + ", ms")
        for row, value in zip(table, np.percentile(values, CDF_PERCENTS), strict=True):
            row.append(f"{value:.1f}")
    return _chart(
        f"cdf-{key}",
        _("How many were served within which time"),
        traces,
        (_("milliseconds"), _("share of requests")),
        (columns, table),
    )


def load_chart(key: str, timeline: Timeline) -> Chart:
    """Throughput and requests under way over the run."""
    series = run_series(timeline)
    traces = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": _("output tokens/s"),
            "x": _plain(series.at_s),
            "y": _plain(series.output_tokens_per_s),
        },
        {
            "type": "scatter",
            "mode": "lines",
            "name": _("requests under way"),
            "x": _plain(series.at_s),
            "y": _plain(series.in_flight),
            "yaxis": "y2",
        },
    ]
    rows = [
        [f"{at:.1f}", f"{tokens:.0f}", f"{flying:.0f}"]
        for at, tokens, flying in _some(series.at_s, series.output_tokens_per_s, series.in_flight)
    ]
    chart = _chart(
        f"load-{key}",
        _("Throughput and load over the run"),
        traces,
        (_("seconds since the start"), _("tokens/s")),
        ([_("Second"), _("output tokens/s"), _("requests under way")], rows),
    )
    chart["figure"]["layout"]["yaxis2"] = {
        "overlaying": "y",
        "side": "right",
        "rangemode": "tozero",
        "title": {"text": _("under way")},
        "showgrid": False,
        "automargin": True,
        "tickmode": "auto",
        "tickfont": {"size": 12, "color": "var(--ink-2)"},
    }
    return chart


def series_chart(
    key: str, title: str, axes: tuple[str, str], lines: dict[str, list[tuple[str, float | None]]]
) -> Chart:
    """Lines over named places: sweeps and histories."""
    traces = [
        {
            "type": "scatter",
            "mode": "lines+markers",
            "name": name,
            "x": [place for place, _value in points],
            "y": [value for _place, value in points],
        }
        for name, points in lines.items()
    ]
    places = [place for place, _value in next(iter(lines.values()), [])]
    rows = [
        [place, *("" if (v := points[n][1]) is None else f"{v:.4g}" for points in lines.values())]
        for n, place in enumerate(places)
    ]
    chart = _chart(key, title, traces, axes, ([axes[0], *lines], rows))
    chart["figure"]["layout"]["xaxis"]["type"] = "category"
    return chart


def _chart(
    key: str,
    title: str,
    traces: list[dict[str, Any]],
    axes: tuple[str, str],
    table: tuple[list[str], list[list[str]]],
) -> Chart:
    layout = {
        "height": HEIGHT,
        "xaxis": {"title": {"text": axes[0]}, "rangemode": "tozero"},
        "yaxis": {"title": {"text": axes[1]}, "rangemode": "tozero"},
    }
    return {
        "key": key,
        "title": title,
        "figure": {"data": traces, "layout": layout},
        "height": f"{HEIGHT + FRAME}px",
        "columns": table[0],
        "rows": table[1],
    }


def _thinned(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Evenly picked points, the last one kept, so that a page does not carry a million."""
    keep = ~(np.isnan(x) | np.isnan(y))
    x, y = x[keep], y[keep]
    if len(x) <= MAX_POINTS:
        return x, y
    index = np.linspace(0, len(x) - 1, MAX_POINTS).astype(np.int64)
    return x[index], y[index]


def _some(*columns: Floats) -> list[tuple[float, ...]]:
    size = len(columns[0])
    step = max(1, size // TABLE_ROWS)
    return [tuple(float(column[n]) for column in columns) for n in range(0, size, step)]


def _plain(values: Floats) -> list[float | None]:
    return [None if np.isnan(v) else round(float(v), 5) for v in values.tolist()]
