"""Moving through long lists: pages, and columns to sort by."""

from collections.abc import Iterator
from typing import Any

from django import template
from django.core.paginator import Page
from django.http import HttpRequest
from django.template.context import Context
from django.utils.functional import Promise

register = template.Library()


@register.filter
def page_numbers(page: Page[Any]) -> Iterator[str | int]:  # pages of any row
    """The first, the last and the nearby page numbers, gaps marked with an ellipsis."""
    return page.paginator.get_elided_page_range(page.number, on_each_side=1, on_ends=1)


@register.inclusion_tag("components/_sort_header.html", takes_context=True)
def sort_header(
    context: Context, key: str, label: str | Promise, *, sort: str, css_class: str = "numeric"
) -> dict[str, object]:
    """A column head that sorts on the server by ``key``; a second use turns the order round.

    ``sort`` is the order shown now, ``key`` or ``-key``. The other choices in the address stay.
    """
    request: HttpRequest = context["request"]
    query = request.GET.copy()
    query["sort"] = key if sort == f"-{key}" else f"-{key}"
    query.pop("page", None)
    return {
        "label": label,
        "direction": {key: "ascending", f"-{key}": "descending"}.get(sort, "none"),
        "href": f"?{query.urlencode()}",
        "css_class": css_class,
        "htmx_target": context.get("htmx_target", ""),
    }
