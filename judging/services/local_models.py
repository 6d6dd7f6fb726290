"""Checkpoints on this machine as language models, so that judges and runs can name them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from arena.models import Endpoint, LanguageModel
from judging.judges import JudgeSettingsError

PROVIDER = "transformers_local"
SLUG = "this-machine"
IN_FLIGHT = 256  # calls that wait together become one batch


def local_model(
    slug: str, checkpoint: str, settings: Mapping[str, Any] | None = None
) -> LanguageModel:
    """The model called ``slug`` that runs ``checkpoint`` here, made or brought up to date.

    Its tokens cost nothing, so that a budget and a plan can say so. ``settings`` are the
    provider's options, such as the precision. Raises JudgeSettingsError where a model called so
    is reached elsewhere.
    """
    there = LanguageModel.objects.filter(slug=slug, endpoint__isnull=False).first()
    if there is not None and there.endpoint and there.endpoint.provider != PROVIDER:
        raise JudgeSettingsError(
            f"there is a model {slug!r} at the endpoint {there.endpoint.slug!r}; give the "
            "checkpoint another name"
        )
    endpoint, _ = Endpoint.objects.get_or_create(
        slug=SLUG,
        defaults={"name": "This machine", "provider": PROVIDER, "max_concurrency": IN_FLIGHT},
    )
    columns = {
        "endpoint": endpoint,
        "provider_model": checkpoint,
        "provider_settings": dict(settings or {}),
        "price_in_per_mtok": 0.0,
        "price_out_per_mtok": 0.0,
    }
    return LanguageModel.objects.update_or_create(
        slug=slug, defaults=columns, create_defaults={**columns, "display_name": slug}
    )[0]
