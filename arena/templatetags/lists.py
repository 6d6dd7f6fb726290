"""Long lists: moving through their pages, columns to sort by, and rows without a template."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from django import template
from django.core.paginator import Page
from django.http import HttpRequest
from django.template.context import Context
from django.utils.functional import Promise
from django.utils.safestring import SafeString, mark_safe

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


@register.simple_tag
def data_rows(rows: Sequence[Sequence[object]]) -> SafeString:
    """The rows of components/_data_table.html: thousands of cells take a template too long."""
    return mark_safe("".join(_data_row(row) for row in rows))


def _data_row(row: Sequence[object]) -> str:
    cells = [f'<td class="numeric">{_data_cell(cell)}</td>' for cell in row[1:]]
    heads = [f'<th scope="row">{escape(str(cell))}</th>' for cell in row[:1]]
    return f"<tr>{''.join(heads + cells)}</tr>"


def _data_cell(cell: object) -> str:
    if isinstance(cell, Mapping) and cell.get("href"):
        return f'<a href="{escape(str(cell["href"]))}">{escape(str(cell["text"]))}</a>'
    return escape(str(cell))
