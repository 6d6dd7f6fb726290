"""Numbers as small drawings: progress, shares of outcomes, positions on a scale.

Positions and widths go into CSS and SVG, which know only the decimal point; the words beside them
follow the reader's language.
"""

from dataclasses import dataclass

from django import template
from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _

register = template.Library()


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a bar: its share in percent, as CSS writes it, and what it stands for."""

    kind: str
    width: str
    label: str | Promise
    count: int


@register.filter
def unlocalised(value: float | None) -> str:
    """A number as CSS and SVG write it: ``12.5``, whatever the reader's language."""
    return "" if value is None else f"{value:.2f}".rstrip("0").rstrip(".")


@register.filter
def compact_number(value: float | None) -> str:
    """A number with no more decimals than it has: 1,200 and 0.25."""
    if value is None:
        return ""
    text = f"{value:.10g}"
    decimals = len(text.partition(".")[2]) if "e" not in text else 0
    return number_format(value, decimals, use_l10n=True, force_grouping=True)


@register.filter
def milliseconds(seconds: float) -> str:
    """Seconds as whole milliseconds; seconds inside, milliseconds only on screen."""
    return number_format(round(1000 * seconds), 0)


@register.inclusion_tag("components/_progress.html")
def progress(
    *, done: int, total: int, failed: int = 0, running: int = 0, label: str = ""
) -> dict[str, object]:
    """How far a piece of work has come, failures shown as a part of their own."""
    parts = (("done", _("done"), done), ("failed", _("failed"), failed))
    finished = done + failed
    return {
        "segments": _segments((*parts, ("running", _("in flight"), running)), total),
        "percent": 100 * finished // total if total else 100,
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
    words = (_("%(label)s: %(count)s") % {"label": s.label, "count": s.count} for s in segments)
    return {"segments": segments, "words": _(", ").join(words)}


def _segments(parts: tuple[tuple[str, str, int], ...], total: int) -> list[Segment]:
    return [
        Segment(kind, f"{unlocalised(100 * count / total)}%", label, count)
        for kind, label, count in parts
        if count and total
    ]
