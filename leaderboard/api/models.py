"""The models, and where they stand."""

from __future__ import annotations

from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Router
from ninja.pagination import paginate

from arena.models import LanguageModel
from leaderboard.api.pages import Pages
from leaderboard.api.schemas import FiguresOut, ModelOut, ModelRatingOut, Problem, Refusal
from leaderboard.benchmark_columns import benchmark_columns
from leaderboard.models import Board, Rating, Snapshot
from speed.selectors import speed_of_models

router = Router()


def _listed() -> QuerySet[LanguageModel]:
    return LanguageModel.objects.active().select_related("license").order_by("slug")


@router.get("", response={200: list[ModelOut], 422: Refusal}, summary="All models")
@paginate(Pages)
def list_models(request: HttpRequest) -> QuerySet[LanguageModel]:
    return _listed()


@router.get("/{slug}", response={200: ModelOut, 404: Problem, 422: Refusal}, summary="One model")
def get_model(request: HttpRequest, slug: str) -> LanguageModel:
    return _model(slug)


@router.get(
    "/{slug}/ratings",
    response={200: list[ModelRatingOut], 404: Problem, 422: Refusal},
    summary="A model's standing on every public board",
)
def list_model_ratings(request: HttpRequest, slug: str) -> list[dict[str, Any]]:
    newest = Snapshot.objects.filter(board=OuterRef("pk"), slice_key="").order_by("-number")
    boards = Board.objects.filter(is_public=True).annotate(n=Subquery(newest.values("pk")[:1]))
    standing = Rating.objects.filter(
        model=_model(slug), snapshot__in=boards.values_list("n", flat=True)
    )
    return [
        {
            "board": row.snapshot.board.slug,
            "snapshot": row.snapshot.number,
            "rank": row.rank,
            "rating": row.rating,
            "rating_lower": row.rating_lower,
            "rating_upper": row.rating_upper,
        }
        for row in standing.select_related("snapshot__board").order_by("snapshot__board__slug")
    ]


@router.get(
    "/{slug}/figures",
    response={200: FiguresOut, 404: Problem, 422: Refusal},
    summary="A model's serving speed and benchmark scores",
)
def get_figures(request: HttpRequest, slug: str) -> dict[str, Any]:
    model = _model(slug)
    return {
        "speed": speed_of_models([model.pk]).get(model.pk),
        "benchmarks": [
            {
                "benchmark": column.title,
                "metric": column.metric,
                "protocol": column.protocol,
                "fingerprint": column.key,
                "value": score.value,
                "lower": score.lower,
                "upper": score.upper,
                "samples": score.samples,
            }
            for column in benchmark_columns()
            if model.pk in column.models and (score := column.scores[model.pk])
        ],
    }


def _model(slug: str) -> LanguageModel:
    return get_object_or_404(_listed(), slug=slug.replace("\x00", ""))
