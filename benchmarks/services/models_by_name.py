"""Which model a name on a command line means."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from arena.models import LanguageModel
from benchmarks.suites_base import Json, TaskError


def model_by_name(
    name: str, model_args: Mapping[str, Json]
) -> tuple[LanguageModel, dict[str, Json]]:
    """A model known here, or a checkpoint by folder or hub id, which then becomes known.

    Returns the model and its arguments; a checkpoint's have ``checkpoint``.
    """
    arguments = dict(model_args)
    known = LanguageModel.objects.filter(slug=name).first()
    if known is not None:
        checkpoint = known.provider_settings.get("checkpoint")
        if checkpoint and known.endpoint_id is None:
            arguments.setdefault("checkpoint", checkpoint)
        return known, arguments
    if not Path(name).is_dir() and "/" not in name:
        raise TaskError(
            f"{name!r} is neither a model of this arena, nor a folder, nor a hub id such as "
            "owner/name"
        )
    checkpoint = str(Path(name).resolve()) if Path(name).is_dir() else name
    arguments.setdefault("checkpoint", checkpoint)
    model, _ = LanguageModel.objects.get_or_create(
        slug=checkpoint_slug(checkpoint),
        defaults={
            "display_name": Path(checkpoint).name,
            "provider_settings": {"checkpoint": checkpoint},
        },
    )
    return model, arguments


def checkpoint_slug(checkpoint: str) -> str:
    """Owner and name, in the letters that an address may have."""
    parts = checkpoint.strip("/").split("/")[-2:]
    return re.sub(r"[^a-z0-9._]+", "-", "--".join(parts).lower()).strip("-")[:160]
