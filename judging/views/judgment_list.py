"""A list of judgments with its choices, of whichever run or judge they are."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from judging.disclosure import shown_to_strangers
from judging.forms import JudgmentFilter
from judging.models import JudgmentQuerySet
from judging.selectors import listed_judgments

ROWS_PER_PAGE = 50


def show_judgments(
    request: HttpRequest,
    form: JudgmentFilter,
    judgments: JudgmentQuerySet,
    *,
    template: str,
    about: dict[str, object],
) -> HttpResponse:
    """A page of what was chosen, in ``template``; for htmx the list alone.

    ``about`` is what the template shows beside it. Strangers see no personal data.
    """
    pages = Paginator(listed_judgments(judgments, form.chosen()), ROWS_PER_PAGE)
    page = pages.get_page(request.GET.get("page"))
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
