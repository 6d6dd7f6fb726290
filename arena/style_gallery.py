"""Every component of the interface on one page, so that a change of style can be judged at once."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render


def style_gallery(request: HttpRequest) -> HttpResponse:
    """The gallery at /style/, for developers and staff only."""
    if not (settings.DEBUG or request.user.is_staff):
        raise Http404
    return render(request, "style/gallery.html")
