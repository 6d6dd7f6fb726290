"""Numbers as small drawings: intervals on a shared scale, progress, shares of outcomes."""

import math
from dataclasses import dataclass

from django import template
from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from arena.axis import Axis

register = template.Library()


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a bar: its share in percent, as CSS writes it, and what it stands for."""

    kind: str
    width: str
    label: str | Promise
    count: int


@register.inclusion_tag("components/_interval_bar.html")
def interval_bar(  # noqa: PLR0917  # template tags are written with positions
    value: float | None,
    lower: float | None,
    upper: float | None,
    axis: Axis,
    digits: int = 0,
    is_provisional: bool = False,
) -> dict[str, object]:
    """An estimate and its interval on ``axis``; draws nothing where there is no estimate."""
    if value is None or not math.isfinite(value):
        return {"is_empty": True}
    low = axis.low if lower is None or not math.isfinite(lower) else lower
    high = axis.high if upper is None or not math.isfinite(upper) else upper
    words = _("%(value)s, 95%% interval %(lower)s to %(upper)s") % {
        "value": number_format(value, digits),
        "lower": number_format(lower, digits) if lower is not None else "−∞",
        "upper": number_format(upper, digits) if upper is not None else "∞",
    }
    return {
        "x": _css(axis.percent(value)),
        "x_lower": _css(axis.percent(low)),
        "x_upper": _css(axis.percent(high)),
        "has_lower": lower is not None and lower > axis.low,
        "has_upper": upper is not None and upper < axis.high,
        "grid": [_css(axis.percent(tick)) for tick in axis.ticks],
        "words": words,
        "is_provisional": is_provisional,
    }


@register.inclusion_tag("components/_interval_axis.html")
def interval_axis(axis: Axis, digits: int = 0) -> dict[str, object]:
    """The tick labels that head a column of ``interval_bar``."""
    ticks = [(_css(axis.percent(tick)), number_format(tick, digits)) for tick in axis.ticks]
    return {"ticks": ticks}


@register.inclusion_tag("components/_progress.html")
def progress(
    *, done: int, total: int, failed: int = 0, running: int = 0, label: str = ""
) -> dict[str, object]:
    """How far a piece of work has come, failures shown as a part of their own."""
    parts = (("done", _("done"), done), ("failed", _("failed"), failed))
    segments = _segments((*parts, ("running", _("in flight"), running)), total)
    finished = done + failed
    percent = 100 * finished // total if total else 100
    return {
        "segments": segments,
        "percent": percent,
        "done": done,
        "failed": failed,
        "running": running,
        "total": total,
        "label": label or _("Progress"),
    }


@register.inclusion_tag("components/_split_bar.html")
def split_bar(*, model_a: int, model_b: int, tie: int = 0, both_bad: int = 0) -> dict[str, object]:
    """Who was preferred how often, from side a on the left to side b on the right."""
    parts = (
        ("a", _("A is better"), model_a),
        ("tie", _("tie"), tie),
        ("both-bad", _("both are bad"), both_bad),
        ("b", _("B is better"), model_b),
    )
    segments = _segments(parts, model_a + model_b + tie + both_bad)
    return {"segments": segments, "words": ", ".join(f"{s.label}: {s.count}" for s in segments)}


def _segments(parts: tuple[tuple[str, str, int], ...], total: int) -> list[Segment]:
    return [
        Segment(kind, _css(100 * count / total), label, count)
        for kind, label, count in parts
        if count and total
    ]


def _css(percent: float) -> str:
    """A percentage as CSS and SVG write it, whatever the reader's language."""
    return f"{percent:.2f}".rstrip("0").rstrip(".") + "%"
