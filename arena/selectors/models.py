from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Avg, Count, IntegerField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from arena.models import Answer, Battle, LanguageModel, WorkStatus


def listed_models(chosen: Mapping[str, Any]) -> QuerySet[LanguageModel]:
    """Models with their licence and ``n_answers``; retired ones only on request."""
    models = LanguageModel.objects.select_related("license").annotate(n_answers=_answer_count())
    if not chosen.get("retired"):
        models = models.active()
    if chosen.get("commercial"):
        models = models.commercially_usable()
    if words := chosen.get("q"):
        models = models.filter(
            Q(display_name__icontains=words)
            | Q(slug__icontains=words)
            | Q(organisation__icontains=words)
        )
    return models.order_by("display_name")


def _answer_count() -> Coalesce:
    answers = Answer.objects.done().in_answer_set().filter(model=OuterRef("pk"))
    counted = answers.order_by().values("model").annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What its stored answers tell about a model; means are None where nothing was measured.

    ``mean_latency_s`` is in seconds; ``failures`` counts failed answers by kind of error.
    """

    n_answers: int
    n_battles: int
    mean_output_tokens: float | None
    mean_latency_s: float | None
    failures: list[tuple[str, int]]


def model_facts(model: LanguageModel) -> ModelFacts:
    """Four queries, whatever the number of answers."""
    answers = Answer.objects.filter(model=model)
    means = answers.done().aggregate(
        n=Count("pk"), tokens=Avg("output_tokens"), latency_s=Avg("latency_s")
    )
    failed = answers.filter(status=WorkStatus.FAILED).order_by()
    failures = failed.values_list("error_kind").annotate(n=Count("pk")).order_by("-n")
    # two counts that each use their index, where one with OR would read the whole table
    n_battles = (
        Battle.objects.filter(model_a=model).count() + Battle.objects.filter(model_b=model).count()
    )
    return ModelFacts(means["n"], n_battles, means["tokens"], means["latency_s"], list(failures))


def answers_of(model: LanguageModel) -> QuerySet[Answer]:
    """The model's answer set with the questions, in the questions' order."""
    return (
        Answer.objects.done()
        .in_answer_set()
        .filter(model=model)
        .select_related("question__question_set")
        .order_by("question__question_set__slug", "question_id")
    )
