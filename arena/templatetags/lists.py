"""Moving through long lists: pages, and columns to sort by."""

from django import template
from django.core.paginator import Page
from django.http import HttpRequest
from django.template.context import Context
from django.utils.functional import Promise

register = template.Library()


@register.inclusion_tag("components/_pagination.html", takes_context=True)
def pagination(context: Context, page: Page) -> dict[str, object]:
    """Links to the pages around this one that keep every other choice in the address."""
    numbers = page.paginator.get_elided_page_range(page.number, on_each_side=1, on_ends=1)
    return {
        "page": page,
        "links": [(number, _with(context, page=str(number))) for number in numbers],
        "gap": page.paginator.ELLIPSIS,
        "previous": _with(context, page=str(page.number - 1)) if page.has_previous() else "",
        "next": _with(context, page=str(page.number + 1)) if page.has_next() else "",
        "htmx_target": context.get("htmx_target", ""),
    }


@register.inclusion_tag("components/_sort_header.html", takes_context=True)
def sort_header(
    context: Context, key: str, label: str | Promise, *, sort: str, css_class: str = "numeric"
) -> dict[str, object]:
    """A column head that sorts by ``key``; a second use turns the order round.

    ``sort`` is the order shown now, ``key`` or ``-key``.
    """
    direction = {key: "ascending", f"-{key}": "descending"}.get(sort, "none")
    following = key if sort == f"-{key}" else f"-{key}"
    return {
        "label": label,
        "direction": direction,
        "href": _with(context, sort=following, page=None),
        "css_class": css_class,
        "htmx_target": context.get("htmx_target", ""),
    }


def _with(context: Context, **changes: str | None) -> str:
    """The present address's query with some values set, or dropped where None."""
    request: HttpRequest = context["request"]
    query = request.GET.copy()
    for name, value in changes.items():
        if value is None:
            query.pop(name, None)
        else:
            query[name] = value
    return f"?{query.urlencode()}"
