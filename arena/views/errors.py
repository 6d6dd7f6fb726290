"""What a refused form answers: a sentence and a way on, for people and for scripts."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

STALE, REFUSED = 409, 403


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Signing in gives the browser a new token, so a page opened before then sends an old one:
    a conflict that opening the page again resolves. Without any token it is a refusal.
    """
    sent = request.POST.get("csrfmiddlewaretoken") or request.headers.get("X-CSRFToken")
    is_stale = bool(sent and request.COOKIES.get(settings.CSRF_COOKIE_NAME))
    status = STALE if is_stale else REFUSED
    if _wants_json(request):
        code = "stale_page" if is_stale else "no_token"
        return JsonResponse({"code": code, "text": _text(is_stale)}, status=status)
    context = {"is_stale": is_stale, "text": _text(is_stale), "again_url": _again(request)}
    return render(request, "403_csrf.html", context, status=status)


def _text(is_stale: bool) -> str:
    if is_stale:
        return _(
            "Since this page was opened, somebody has signed in or out in this browser. "
            "Nothing was saved. Open the page again and repeat the last step."
        )
    return _(
        "The browser sent no cookie of this site, so nothing was saved. Allow cookies for it, "
        "then open the page again."
    )


def _wants_json(request: HttpRequest) -> bool:
    wanted = request.headers.get("Accept", "")
    is_json = "application/json" in wanted and "text/html" not in wanted
    return is_json or "HX-Request" in request.headers


def _again(request: HttpRequest) -> str:
    """The page that the form stood on, if it is one of ours and can be opened."""
    came_from = urlsplit(request.headers.get("Referer", ""))
    if came_from.netloc != request.get_host():
        return ""
    if came_from.path == reverse("vote_cast"):
        return reverse("vote")
    return came_from.path + (f"?{came_from.query}" if came_from.query else "")
