"""Published scores from a file, to stand beside measured ones."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from django.db import transaction

from arena.models import LanguageModel
from benchmarks.models import PublishedScore
from benchmarks.questions.reading import QuestionFileError, RowError, rows_of
from benchmarks.suites_base import AskProtocol

PROTOCOLS = ("", *AskProtocol)


@transaction.atomic
def import_published_scores(text: str, name: str) -> int:
    """Store the rows of a CSV or JSONL file, all or none; returns how many.

    Columns: model (slug), task, value (on the metric's own scale), source, and optionally metric,
    num_fewshot and protocol. A row for the same model, task, metric and source replaces the value.
    Raises QuestionFileError that names every line that cannot be used.
    """
    models = {model.slug: model for model in LanguageModel.objects.all()}
    errors, count = [], 0
    for line, row in rows_of(text, name):
        problem = row if isinstance(row, str) else _problem(row, models)
        if problem:
            errors.append(RowError(line, problem))
        elif not isinstance(row, str):
            shots = str(row.get("num_fewshot") or "").strip()
            PublishedScore.objects.update_or_create(
                language_model=models[str(row["model"])],
                task=str(row["task"]),
                metric=str(row.get("metric") or ""),
                source=str(row["source"]),
                defaults={
                    "value": float(row["value"]),
                    "num_fewshot": int(shots) if shots else None,
                    "protocol": str(row.get("protocol") or ""),
                },
            )
            count += 1
    if errors or not count:
        raise QuestionFileError(name, errors or [RowError(1, "the file holds no scores")])
    return count


def _problem(row: Mapping[str, Any], models: Mapping[str, LanguageModel]) -> str:
    missing = [key for key in ("model", "task", "value", "source") if not row.get(key)]
    if missing and not (missing == ["value"] and row.get("value") == 0):
        return f"lacks {', '.join(missing)}"
    if str(row["model"]) not in models:
        return f"there is no model {row['model']!r} here; name one by its slug"
    try:
        is_number = math.isfinite(float(row["value"]))
    except (TypeError, ValueError):
        is_number = False
    if not is_number:
        return f"the value {row['value']!r} is no number"
    shots = str(row.get("num_fewshot") or "").strip()
    if shots and not shots.isdigit():
        return f"num_fewshot {shots!r} is no number of examples"
    if str(row.get("protocol") or "") not in PROTOCOLS:
        return f"protocol {row['protocol']!r} is unknown; use native, generation or letters"
    return ""
