"""A list of judgments with its choices, of whichever run or judge they are."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.core.paginator import Page, Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from judging.disclosure import shown_to_strangers
from judging.forms import JudgmentFilter
from judging.models import JudgmentQuerySet
from judging.selectors import judgments_by_id, listed_judgments

ROWS_PER_PAGE = 50


def show_judgments(
    request: HttpRequest,
    form: JudgmentFilter,
    judgments: JudgmentQuerySet,
    *,
    template: str,
    about: dict[str, object],
    only: Collection[int] | None = None,
) -> HttpResponse:
    """A page of what was chosen, in ``template``; for htmx the list alone.

    ``about`` is what the template shows beside it, ``only`` the primary keys that may be listed,
    all where not given. Strangers see no personal data.
    """
    page = _page(listed_judgments(judgments, form.chosen()), only, request.GET.get("page"))
    if not request.user.is_staff:
        page.object_list = shown_to_strangers(page.object_list)
    context = {
        **about,
        "filter_form": form,
        "page": page,
        "htmx_target": "#judgment-table",
    }
    is_partial = request.headers.get("HX-Target") == "judgment-table"
    return render(request, "judging/_judgment_table.html" if is_partial else template, context)


def _page(listed: JudgmentQuerySet, only: Collection[int] | None, number: str | None) -> Page[Any]:
    if only is None:
        return Paginator(listed, ROWS_PER_PAGE).get_page(number)
    # too many for a list in SQL
    ids = [pk for pk in listed.values_list("pk", flat=True) if pk in only]
    page: Page[Any] = Paginator(ids, ROWS_PER_PAGE).get_page(number)
    page.object_list = judgments_by_id(list(page.object_list))
    return page
