"""People against judges, on the battles both have decided."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from arena.models import Vote, VoteSource
from judging.people import Wanted, people_page
from judging.people_kept import dated_figures


@require_GET
def people_and_judges(request: HttpRequest) -> HttpResponse:
    """The demo's simulated votes are shown only while nobody has voted here."""
    has_own = Vote.objects.exclude(source=VoteSource.DEMO).exists()
    judge = request.GET.get("judge", "")
    wanted = Wanted(
        judge_id=int(judge) if judge.isdecimal() and len(judge) < 19 else None,
        category=request.GET.get("category", ""),
        page=request.GET.get("page", "1"),
    )
    dated = dated_figures(include_demo=not has_own)
    page = dated and people_page(include_demo=not has_own, wanted=wanted, figures=dated.figures)
    context = {"page": page, "wanted": wanted, "is_demo": not has_own, "dated": dated}
    return render(request, "judging/people.html", context)
