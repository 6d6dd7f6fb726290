"""Times as people compare them: milliseconds with as many digits as tell servers apart."""

from __future__ import annotations

from django import template
from django.utils.formats import number_format

register = template.Library()


@register.filter
def ms(seconds: object) -> str:
    """Seconds as milliseconds: 19.99, 159.8, 1,250; a dash for nothing."""
    if not isinstance(seconds, int | float):
        return "–"
    value = 1000 * seconds
    decimals = 2 if abs(value) < 100 else 1 if abs(value) < 1000 else 0
    return number_format(round(value, decimals), decimals, use_l10n=True, force_grouping=True)


@register.filter
def thousandths(seconds: float) -> str:
    """An error in milliseconds, down to the microsecond."""
    return number_format(1000 * seconds, 3, use_l10n=True)
