"""How each published number is made."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from leaderboard.methods_pages import method_pages


@require_safe
def method_list(request: HttpRequest) -> HttpResponse:
    pages = [page for page in method_pages().values() if page.slug != "index"]
    index = method_pages().get("index")
    return render(request, "leaderboard/method_list.html", {"pages": pages, "index": index})


@require_safe
def method_detail(request: HttpRequest, slug: str) -> HttpResponse:
    page = method_pages().get(slug)
    if page is None:
        raise Http404
    return render(request, "leaderboard/method_detail.html", {"page": page})
