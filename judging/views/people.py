"""People against judges, on the battles both have decided."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from arena.models import Vote, VoteSource
from judging.people import people_page


@require_GET
def people_and_judges(request: HttpRequest) -> HttpResponse:
    """The demo's simulated votes are shown only while nobody has voted here."""
    has_own = Vote.objects.exclude(source=VoteSource.DEMO).exists()
    context = {"page": people_page(include_demo=not has_own), "is_demo": not has_own}
    return render(request, "judging/people.html", context)
