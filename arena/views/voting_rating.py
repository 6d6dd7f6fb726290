"""Satisfaction: one answer, a hidden model, one to five."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from arena.models import SatisfactionRating
from arena.panels import page_panels
from arena.voting.casting import REASONS
from arena.voting.presentation import shown_turns
from arena.voting.satisfaction import (
    SCALE,
    RatingError,
    count_rated,
    next_rating,
    rate_answer,
    ratings_left_out,
    satisfaction_by_model,
)
from arena.voting.texts import read_answers
from arena.voting.voters import known_visitor, remember, visitor_of


@never_cache
@require_http_methods(["GET", "POST"])
def rate(request: HttpRequest) -> HttpResponse:
    """The answer to rate; after rating, who wrote the one before."""
    if request.method == "POST":
        return _take(request)
    visitor = visitor_of(request)
    rating = next_rating(visitor)
    rated, left_out = count_rated(visitor)
    context = {
        "rating": rating,
        "texts": _texts(rating) if rating else None,
        "scale": SCALE,
        "reasons": REASONS,
        "rated": rated,
        "left_out": left_out,
        "last": _last(request),
    }
    response = render(request, "arena/vote_rate.html", context)
    return remember(response, visitor, is_secure=request.is_secure())


def _take(request: HttpRequest) -> HttpResponse:
    score = request.POST.get("score", "")
    try:
        rating = rate_answer(
            visitor=known_visitor(request),
            token=request.POST.get("token", ""),
            score=int(score) if score in {"1", "2", "3", "4", "5"} else 0,
            reasons=request.POST.getlist("reasons"),
        )
    except RatingError as error:
        messages.warning(request, str(error))
        return redirect("rate_answer")
    response = redirect("rate_answer")
    response["Location"] += f"?after={rating.token}"
    return response


def _last(request: HttpRequest) -> SatisfactionRating | None:
    """The rating just given, if it is this visitor's own."""
    visitor = known_visitor(request)
    if visitor is None or "after" not in request.GET:
        return None
    rows = SatisfactionRating.objects.select_related("answer__model")
    mine = rows.filter(token=request.GET["after"][:64], voter=visitor.voter, score__isnull=False)
    return mine.first()


def _texts(rating: SatisfactionRating) -> dict[str, object]:
    shown = read_answers((rating.answer_id,))[rating.answer_id]
    return {
        "question": shown.question[0] if shown.question else None,
        "language": shown.facts.language,
        "turns": shown_turns(shown.question, shown.turns),
    }


@require_safe
def satisfaction(request: HttpRequest) -> HttpResponse:
    """Mean satisfaction by model with its interval, beside the judges' single scores."""
    context = {
        "rows": satisfaction_by_model(),
        "left_out": ratings_left_out(),
        "panels": page_panels("satisfaction", None, request),
    }
    return render(request, "arena/vote_satisfaction.html", context)
