"""What belongs to the voter: their votes, their board, their data."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import logout
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from arena.models import Vote
from arena.panels import page_panels
from arena.voting.merging import voters_of
from arena.voting.own_data import export_own_data, remove_own_data
from arena.voting.policy import current_policy
from arena.voting.progress import Progress
from arena.voting.voters import (
    COOKIE,
    Visitor,
    is_of_an_account,
    known_visitor,
    remember,
    visitor_of,
)

PER_PAGE = 25


@never_cache
@require_safe
def my_votes(request: HttpRequest) -> HttpResponse:
    """The votes of this browser or account, newest first, and a board of their own."""
    visitor = _owner(request)
    if visitor is None:
        return render(request, "arena/vote_mine.html", {"page": None})
    own = Vote.objects.filter(voter__in=voters_of(visitor.voter))
    votes = own.select_related("battle__model_a", "battle__model_b", "battle__question").order_by(
        "-id"
    )
    counted = own.counted().count()
    page = Paginator(votes, PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "votes": page.paginator.count,
        "left_out": page.paginator.count - counted,
        "progress": Progress(page.paginator.count, counted),
        "panels": page_panels("my_votes", visitor.voter, request),
    }
    response = render(request, "arena/vote_mine.html", context)
    return _remembered(request, response, visitor)


@never_cache
@require_safe
def my_data(request: HttpRequest) -> HttpResponse:
    """Everything stored about this voter, as a JSON file."""
    visitor = _owner(request)
    data = export_own_data(visitor) if visitor else {"voter": None, "votes": []}
    response = JsonResponse(data, json_dumps_params={"indent": 2, "ensure_ascii": False})
    response["Content-Disposition"] = 'attachment; filename="my-votes.json"'
    return _remembered(request, response, visitor)


@require_POST
def forget_me(request: HttpRequest) -> HttpResponse:
    """Remove the voter and their prompts, and the account if asked; votes stay without any link."""
    closes = request.GET.get("account") == "close"
    visitor = _owner(request)
    is_anonymous = not request.user.is_authenticated
    if is_anonymous and (closes or is_of_an_account(request)):
        messages.warning(request, _("Nothing was removed: you are signed out. Sign in first."))
        return redirect("voter_privacy")
    if visitor is not None:
        remove_own_data(visitor, close_account=closes)
    if closes:
        logout(request)
    messages.success(request, _("Done. Nothing here is linked to you or to this browser any more."))
    response = redirect("voter_privacy")
    response.delete_cookie(COOKIE)
    return response


@never_cache
@require_safe
def voter_privacy(request: HttpRequest) -> HttpResponse:
    """What is stored, why, for how long, and how to take it back."""
    visitor = _owner(request)
    context = {
        "visitor": visitor,
        "consent_text": current_policy().consent_text,
    }
    response = render(request, "arena/vote_privacy.html", context)
    return _remembered(request, response, visitor)


def _owner(request: HttpRequest) -> Visitor | None:
    """An account has its data here in any browser, an anonymous visitor in theirs."""
    return visitor_of(request) if request.user.is_authenticated else known_visitor(request)


def _remembered(
    request: HttpRequest, response: HttpResponse, visitor: Visitor | None
) -> HttpResponse:
    return remember(response, visitor, is_secure=request.is_secure()) if visitor else response
