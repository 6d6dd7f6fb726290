"""Warnings about judges whose probes are missing or failed."""

from collections.abc import Iterable
from typing import Any

from django import template

from judging.models import Judge
from judging.probe_results import standings

register = template.Library()


@register.inclusion_tag("judging/_probe_warning.html")
def probe_warning(judges: Iterable[Judge]) -> dict[str, Any]:  # a template's context
    """One notice per judge that is not cleared; judges of the demo are left out."""
    asked = [judge for judge in judges if not judge.is_demo]
    return {"doubtful": [found for found in standings(asked) if not found.is_cleared]}
