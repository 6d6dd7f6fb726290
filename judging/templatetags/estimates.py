"""Estimates in words: the value and its interval."""

from django import template
from django.utils.formats import number_format

from judging.agreement import Estimate
from judging.cards import CardFigure

register = template.Library()


def _number(value: float, *, is_share: bool) -> str:
    # number_format cuts decimals off instead of rounding them
    if is_share:
        return f"{number_format(round(100 * value, 1), 1)} %"
    decimals = 2 if abs(value) < 100 else 0
    return number_format(round(value, decimals), decimals)


@register.filter
def value_of(figure: CardFigure) -> str:
    """The number alone, shares in percent."""
    return share(figure.estimate) if figure.figure.is_share else plain(figure.estimate)


@register.filter
def interval_of(figure: CardFigure) -> str:
    """The 95 % interval, or a dash where there is none."""
    return interval(figure.estimate, is_share=figure.figure.is_share)


@register.filter
def share(estimate: Estimate) -> str:
    """A share in percent."""
    return "–" if estimate.value is None else _number(estimate.value, is_share=True)


@register.filter
def plain(estimate: Estimate) -> str:
    """A number on its own scale."""
    return "–" if estimate.value is None else _number(estimate.value, is_share=False)


@register.filter
def share_interval(estimate: Estimate) -> str:
    """The 95 % interval of a share."""
    return interval(estimate, is_share=True)


@register.filter
def plain_interval(estimate: Estimate) -> str:
    """The 95 % interval on the estimate's own scale."""
    return interval(estimate, is_share=False)


def interval(estimate: Estimate, *, is_share: bool) -> str:
    """Both ends, or a dash."""
    if estimate.lower is None or estimate.upper is None:
        return "–"
    ends = (_number(end, is_share=is_share) for end in (estimate.lower, estimate.upper))
    return " – ".join(ends)
