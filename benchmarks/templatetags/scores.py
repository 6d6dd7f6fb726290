"""Scores as text: percent where a score is a share, plain otherwise."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from django import template
from django.utils.formats import number_format
from django.utils.translation import gettext_lazy

from benchmarks.protocol_words import protocol_words
from benchmarks.statistics.estimates import Estimate
from benchmarks.suites_base import Reason

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
def share(value: float) -> str:
    """A mean: in percent where it is a share, as it is otherwise."""
    return _number(100 * value, 1) if 0 <= value <= 1 else _number(value, 3)


@register.filter
def points(value: float | None) -> str:
    """A difference of shares in percentage points, with its sign."""
    return "–" if value is None else f"{100 * value:+.1f}"


@register.filter
def signed(value: float | None) -> str:
    """A difference of figures that are no shares, with its sign."""
    return "–" if value is None else f"{value:+.3f}"


@register.filter
def metric(name: str) -> str:
    """``acc,none`` as ``acc``; a filter that changes the answer stays beside the name."""
    kind, _, filtered = name.partition(",")
    return kind if filtered in ("", "none") else f"{kind} ({filtered})"


register.filter("protocol", protocol_words)


REASONS = {
    Reason.INVALID: gettext_lazy("no answer found"),
    Reason.TRUNCATED: gettext_lazy("cut off"),
    Reason.EMPTY: gettext_lazy("empty"),
    Reason.TIED: gettext_lazy("tied"),
    Reason.BOUNDARY_MERGE: gettext_lazy("token across the boundary"),
    Reason.PROMPT_CUT: gettext_lazy("prompt cut"),
}


@register.filter
def reason(name: str) -> str:
    """A reason for a second look, in words."""
    known = {str(key): words for key, words in REASONS.items()}
    return str(known.get(name, name))


SAMPLE_FILTERS = {
    "wrong": gettext_lazy("wrong"),
    "right": gettext_lazy("right"),
    "failed": gettext_lazy("without a score"),
}


@register.filter
def sample_filter(name: str) -> str:
    """A filter of the sample browser, in words."""
    return str(SAMPLE_FILTERS.get(name) or reason(name))


@register.filter
def gibibytes(value: int) -> str:
    return _number(value / (1 << 30), 1)


@register.filter
def percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.0f} %"
