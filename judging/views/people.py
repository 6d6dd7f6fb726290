"""People against judges, on the battles both have decided."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from judging.people import Wanted, people_page
from judging.people_kept import dated_figures, is_demo_shown


@require_safe
def people_and_judges(request: HttpRequest) -> HttpResponse:
    """Agreement in all and by category, and the disputes that the address asks for."""
    is_demo = is_demo_shown()
    judge = request.GET.get("judge", "")
    wanted = Wanted(
        judge_id=int(judge) if judge.isdecimal() and len(judge) < 19 else None,
        category=request.GET.get("category", ""),
        page=request.GET.get("page", "1"),
    )
    dated = dated_figures(include_demo=is_demo)
    page = dated and people_page(include_demo=is_demo, wanted=wanted, figures=dated.figures)
    context = {"page": page, "wanted": wanted, "is_demo": is_demo, "dated": dated}
    return render(request, "judging/people.html", context)
