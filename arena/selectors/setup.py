"""What the console shows of endpoints and models."""

from __future__ import annotations

import os
from dataclasses import dataclass

from django.db.models import Count, QuerySet

from arena.models import Endpoint, LanguageModel


@dataclass(frozen=True, slots=True)
class ListedEndpoint:
    """An endpoint and the state of its key: ``set``, ``missing``, ``stored`` or ``none``."""

    endpoint: Endpoint
    n_models: int
    key: str


def listed_endpoints() -> list[ListedEndpoint]:
    endpoints = Endpoint.objects.annotate(n_models=Count("languagemodel"))
    return [ListedEndpoint(e, e.n_models, _key_state(e)) for e in endpoints.defer("api_key")]


def _key_state(endpoint: Endpoint) -> str:
    """Told without deciphering: a changed SECRET_KEY must not keep the page from opening."""
    if endpoint.api_key_env and os.environ.get(endpoint.api_key_env):
        return "set"
    if Endpoint.objects.filter(pk=endpoint.pk).exclude(api_key="").exists():
        return "stored"
    return "missing" if endpoint.api_key_env else "none"


def models_to_set_up() -> QuerySet[LanguageModel]:
    models = LanguageModel.objects.select_related("endpoint", "license")
    return models.order_by("-is_active", "slug")
