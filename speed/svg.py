"""Charts as plain SVG for the exported report, which must work without scripts or a network.

Draws what ``speed.charts`` makes: scatter traces of lines or markers over numbers or named
places, the second y axis on the right.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any  # plotly's JSON

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from speed.charts import Chart

WIDTH, HEIGHT = 640, 280
LEFT, RIGHT, TOP, BOTTOM = 60, 60, 12, 44
COLOURS = ("#0b5866", "#ad4514", "#1f62a8", "#5b3aa8")
TICKS = 5
MARKER_RADIUS = 2


@dataclass(frozen=True, slots=True)
class Scale:
    """Values from 0 to ``top`` onto pixels from ``start`` to ``end``."""

    top: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """The pixel of a value."""
        return self.start + (self.end - self.start) * value / self.top

    def ticks(self) -> list[float]:
        """Evenly spaced values, zero and the top among them."""
        return [self.top * n / TICKS for n in range(TICKS + 1)]


def chart_svg(chart: Chart) -> SafeString:
    """The picture of a chart; its title and its table stand beside it on the page."""
    traces, layout = chart["figure"]["data"], chart["figure"]["layout"]
    places = _places(traces)
    x = Scale(_top([_positions(trace, places) for trace in traces]), LEFT, WIDTH - RIGHT)
    sides = {
        name: Scale(
            _top([t["y"] for t in traces if t.get("yaxis", "y") == name]), HEIGHT - BOTTOM, TOP
        )
        for name in ("y", "y2")
    }
    parts = [_frame(x, sides["y"], places), _title(layout["xaxis"], WIDTH / 2, HEIGHT - 6)]
    if "yaxis2" in layout:
        parts.append(_axis_labels(sides["y2"], WIDTH - RIGHT + 6, "start"))
    for number, trace in enumerate(traces):
        y = sides[trace.get("yaxis", "y")]
        points = [
            (x.at(place), y.at(value))
            for place, value in zip(_positions(trace, places), trace["y"], strict=True)
            if value is not None
        ]
        parts.append(_trace(points, trace["mode"], COLOURS[number % len(COLOURS)]))
    return format_html(
        '<svg viewBox="0 0 {} {}" width="{}" role="img" aria-label="{}">{}</svg>{}',
        *(WIDTH, HEIGHT, WIDTH, chart["title"]),
        format_html_join("", "{}", ((part,) for part in parts)),
        _legend(traces),
    )


def _places(traces: Sequence[dict[str, Any]]) -> list[str]:
    """The names along the x axis; empty where it is numeric."""
    return [x for x in (traces[0]["x"] if traces else []) if isinstance(x, str)]


def _positions(trace: dict[str, Any], places: Sequence[str]) -> list[float]:
    if places:
        return [places.index(x) for x in trace["x"]]
    return [float(x) for x in trace["x"]]


def _top(columns: Sequence[Sequence[float | None]]) -> float:
    return max((v for column in columns for v in column if v is not None), default=0.0) or 1.0


def _frame(x: Scale, y: Scale, places: Sequence[str]) -> SafeString:
    lines = format_html_join(
        "",
        '<line x1="{}" x2="{}" y1="{}" y2="{}" stroke="#ddd"/>',
        ((LEFT, WIDTH - RIGHT, _px(y.at(v)), _px(y.at(v))) for v in y.ticks()),
    )
    named = list(enumerate(places)) if places else [(v, f"{v:.3g}") for v in x.ticks()]
    bottom = format_html_join(
        "",
        '<text x="{}" y="{}" font-size="11" text-anchor="middle">{}</text>',
        ((_px(x.at(v)), HEIGHT - BOTTOM + 16, name) for v, name in named),
    )
    return format_html("{}{}{}", lines, bottom, _axis_labels(y, LEFT - 6, "end"))


def _axis_labels(y: Scale, at: float, anchor: str) -> SafeString:
    return format_html_join(
        "",
        '<text x="{}" y="{}" font-size="11" text-anchor="{}">{}</text>',
        ((at, _px(y.at(v) + 4), anchor, f"{v:.3g}") for v in y.ticks()),
    )


def _title(axis: dict[str, Any], x: float, y: float) -> SafeString:
    return format_html(
        '<text x="{}" y="{}" font-size="12" text-anchor="middle">{}</text>',
        *(x, y, axis["title"]["text"]),
    )


def _trace(points: Sequence[tuple[float, float]], mode: str, colour: str) -> SafeString:
    parts = []
    if "lines" in mode:
        path = " ".join(f"{px:.1f},{py:.1f}" for px, py in points)
        parts.append(format_html('<polyline points="{}" fill="none" stroke="{}"/>', path, colour))
    if "markers" in mode:
        circle = '<circle cx="{}" cy="{}" r="{}" fill="{}"/>'
        spots = ((_px(px), _px(py), MARKER_RADIUS, colour) for px, py in points)
        parts.append(format_html_join("", circle, spots))
    return format_html_join("", "{}", ((part,) for part in parts))


def _legend(traces: Sequence[dict[str, Any]]) -> SafeString:
    named = [(COLOURS[n % len(COLOURS)], t["name"]) for n, t in enumerate(traces) if "name" in t]
    items = format_html_join("", '<span style="color:{}">● {}</span> ', named)
    return format_html("<p>{}</p>", items) if named else SafeString("")


def _px(value: float) -> str:
    return f"{value:.1f}"
