"""Cells of a report's tables."""

from django import template
from django.utils.formats import number_format

from judging.labels import reason_label

register = template.Library()
register.filter("reason", reason_label)


@register.filter
def percent(value: float | None) -> str:
    """A share in percent, or a dash where there is nothing to share."""
    # number_format cuts decimals off instead of rounding them
    return "–" if value is None else f"{number_format(round(100 * value, 1), 1)} %"


@register.filter
def tint(value: float) -> str:
    """How strongly a cell is coloured: nothing at no wins, never so much that text drowns."""
    return f"{0.55 * value:.3f}"
