"""Pages with a socket: blind live battles, side by side, and direct chat."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from arena.live.rooms import BLIND_PROMPT_CHARACTERS, NAMED_PROMPT_CHARACTERS, Mode
from arena.live.seating import live_models
from arena.voting.casting import REASONS, STRENGTHS
from arena.voting.policy import current_policy
from arena.voting.voters import remember, visitor_of


@never_cache
@require_safe
def live_battle(request: HttpRequest) -> HttpResponse:
    """One's own prompt to two hidden models."""
    return _page(request, Mode.BLIND)


@never_cache
@require_safe
def side_by_side(request: HttpRequest) -> HttpResponse:
    """Two models by name; never counts in blind boards."""
    return _page(request, Mode.NAMED)


@never_cache
@require_safe
def direct_chat(request: HttpRequest) -> HttpResponse:
    """One model by name."""
    return _page(request, Mode.DIRECT)


def _page(request: HttpRequest, mode: Mode) -> HttpResponse:
    visitor = visitor_of(request)
    models = list(live_models())
    is_blind = mode == Mode.BLIND
    context = {
        "mode": str(mode),
        "models": [] if is_blind else models,
        "can_start": len(models) >= (1 if mode == Mode.DIRECT else 2),
        "has_consented": visitor.has_consented,
        "consent_text": current_policy().consent_text,
        "prompt_limit": BLIND_PROMPT_CHARACTERS if is_blind else NAMED_PROMPT_CHARACTERS,
        "reasons": REASONS,
        "strengths": STRENGTHS,
    }
    response = render(request, "arena/live.html", context)
    return remember(response, visitor, is_secure=request.is_secure())
