"""Requests with a NUL character in them: PostgreSQL can neither store nor look for one."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from django.core.exceptions import BadRequest
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views.defaults import bad_request

NUL = "\0"


class RefuseNulMiddleware:
    """400 before any view asks the database, on either of them. Files may hold what they like."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if any(NUL in text for text in _texts(request)):
            problem = "the request holds a NUL character (%00), which cannot be stored"
            return bad_request(request, BadRequest(problem))
        return self._get_response(request)


def _texts(request: HttpRequest) -> Iterator[str]:
    yield request.path_info
    if "%00" in request.META.get("QUERY_STRING", ""):
        yield NUL
    if request.method == "POST":
        for name, values in request.POST.lists():
            yield name
            yield from values
