"""Scores as text: percent where a score is a share, plain otherwise."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from django import template
from django.utils.formats import number_format

from benchmarks.statistics.estimates import Estimate

register = template.Library()


def _number(value: float, digits: int) -> str:
    # number_format cuts decimals off; it does not round
    return number_format(round(value, digits), digits)


def _parts(score: Estimate | Mapping[str, Any] | None) -> tuple[float | None, ...]:
    if isinstance(score, Estimate):
        found = (score.value, score.lower, score.upper)
        return tuple(None if math.isnan(value) else value for value in found)
    if not score:
        return None, None, None
    return score.get("value"), score.get("lower"), score.get("upper")


@register.filter
def score(value: Estimate | Mapping[str, Any] | None) -> str:
    """``71.3`` for a share (in percent), ``12.841`` for anything larger than 1."""
    found = _parts(value)[0]
    if found is None:
        return "–"
    return _number(100 * found, 1) if 0 <= found <= 1 else _number(found, 3)


@register.filter
def interval(value: Estimate | Mapping[str, Any] | None) -> str:
    """``68.1 – 74.2``, or nothing where the error is not known."""
    found, lower, upper = _parts(value)
    if found is None or lower is None or upper is None:
        return ""
    is_share = 0 <= found <= 1
    scale, digits = (100, 1) if is_share else (1, 3)
    return f"{_number(scale * lower, digits)} – {_number(scale * upper, digits)}"


@register.filter
def points(value: float | None) -> str:
    """A difference of shares in percentage points, with its sign."""
    return "–" if value is None else f"{100 * value:+.1f}"


@register.filter
def gibibytes(value: int) -> str:
    return _number(value / (1 << 30), 1)


@register.filter
def percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.0f} %"
