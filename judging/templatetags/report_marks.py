"""Cells of a report's tables."""

from collections.abc import Mapping
from typing import Any

from django import template
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.http import urlencode

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


@register.simple_tag(takes_context=True)
def behind(context: Mapping[str, Any], shown: object, **chosen: str) -> str:
    """A report's figure, which on a page leads to the judgments behind it.

    ``chosen`` are choices of the list of judgments.
    """
    if not context["is_page"] or shown in ("–", ""):
        return format_html("{}", shown)
    run = context["report"].run
    address = reverse("run_results", args=["judging", run.pk])
    choices = urlencode({"scope": "report", "state": "counted", **chosen})
    return format_html('<a href="{}?{}">{}</a>', address, choices, shown)
