"""Scores as text: percent where a score is a share, plain otherwise."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from django import template
from django.utils.formats import number_format
from django.utils.html import format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy

from benchmarks.protocol_words import protocol_words
from benchmarks.statistics.estimates import Estimate
from benchmarks.suite_words import suite_words
from benchmarks.suites_base import Reason

register = template.Library()
LARGEST_WRITTEN_OUT = 1e6


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
    """``71.3`` for a share (in percent), ``12.841`` for more than 1, ``3.69e+10`` for a lot."""
    found = _parts(value)[0]
    return "–" if found is None else share(found)


@register.filter
def interval(value: Estimate | Mapping[str, Any] | None) -> str:
    """``68.1 – 74.2``, or nothing where the error is not known."""
    found, lower, upper = _parts(value)
    if found is None or lower is None or upper is None:
        return ""
    is_share = 0 <= found <= 1
    if is_share:
        return f"{_number(100 * lower, 1)} – {_number(100 * upper, 1)}"
    return f"{_figure(lower)} – {_figure(upper)}"


@register.filter
def share(value: float) -> str:
    """A mean: in percent where it is a share, as it is otherwise."""
    return _number(100 * value, 1) if 0 <= value <= 1 else _figure(value)


def _figure(value: float) -> str:
    """What is no share, such as a perplexity; that of a model which knows nothing is enormous."""
    return f"{value:.2e}" if abs(value) >= LARGEST_WRITTEN_OUT else _number(value, 3)


@register.filter
def points(value: float | None) -> str:
    """A difference of shares in percentage points, with its sign."""
    return "–" if value is None else _with_sign(f"{100 * value:+.1f}")


@register.filter
def signed(value: float | None) -> str:
    """A difference of figures that are no shares, with its sign."""
    return "–" if value is None else _with_sign(f"{value:+.3f}")


@register.filter
def z_value(value: float | None) -> str:
    """A difference in standard errors, with its sign."""
    return "–" if value is None or not math.isfinite(value) else _with_sign(f"{value:+.2f}")


def _with_sign(text: str) -> str:
    """With a true minus, which is as wide as the plus; nothing has no sign."""
    return text[1:] if not text.strip("+-0.") else text.replace("-", "−")


@register.filter
def metric(name: str) -> str:
    """``acc,none`` as ``acc``; a filter that changes the answer stays beside the name."""
    kind, _, filtered = name.partition(",")
    return kind if filtered in ("", "none") else f"{kind} ({filtered})"


register.filter("protocol", protocol_words)
register.filter("suite_words", suite_words)


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


ASKED_BY = {
    "multiple_choice": gettext_lazy("likelihood of each choice"),
    "loglikelihood": gettext_lazy("likelihood of a text"),
    "loglikelihood_rolling": gettext_lazy("perplexity of texts"),
    "generate_until": gettext_lazy("a written answer"),
}


@register.filter
def asked_by(output_type: str) -> str:
    """How a task is asked by its own definition, in words."""
    return str(ASKED_BY.get(output_type, output_type))


@register.filter
def told(value: object) -> str:
    """A stored setting as a reader would write it: lists with commas, other parts as JSON."""
    if isinstance(value, list | tuple) and all(isinstance(part, str | int) for part in value):
        return ", ".join(map(str, value))
    if isinstance(value, dict | list | tuple | bool):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


@register.filter
def breakable(name: str) -> SafeString:
    """A name that may be broken after its parts, where a line has no room for it."""
    parts = re.split(r"(?<=[_@:])", name)
    return format_html_join(mark_safe("<wbr>"), "{}", ((part,) for part in parts))


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
