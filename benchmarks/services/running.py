"""Running to the end in this process, and what came of it."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import yaml
from django.utils import timezone

from arena.models import RunStatus
from arena.services.driving import drive_here
from arena.services.runs import finish_if_done
from arena.work.dispatch import DriveOptions
from benchmarks.models import BenchmarkRun, EngineKind
from benchmarks.services.engines import engine_for, turn_at_accelerator
from benchmarks.services.group_scores import group_scores
from benchmarks.services.libraries import in_words
from benchmarks.services.models_by_name import model_by_name
from benchmarks.services.options import run_options
from benchmarks.services.preparing import create_benchmark_run, prepare_run
from benchmarks.suites_base import Json, TaskError

# llmuses' and evalscope's names of a task configuration's parts
NAMES = {
    "generation_config": "generation",
    "dataset_hub": "hub",
    "eval_type": "protocol",
    "few_shot_num": "num_fewshot",
}
RUN_FIELDS = {"priority", "precision_goal"}
# a run that is driven here is not offered to the queue for as long as this
KEPT_HERE = dt.timedelta(days=7)


def run_task(task_cfg: Mapping[str, Any] | str | Path) -> dict[str, Json]:
    """Run a task configuration to its end and return its scores.

    ``task_cfg`` is a mapping, or the path of a YAML or JSON file: ``model`` (a slug, a folder or a
    hub id), ``datasets`` (names), and optionally ``model_args``, ``dataset_args``,
    ``generation_config``, ``limit``, ``num_fewshot``, ``protocol``, ``dataset_hub``,
    ``dataset_dir``, ``seed``, ``use_cache``, ``priority``, ``precision_goal``…
    """
    return results(run_to_end(run_from_config(task_cfg)))


def run_from_config(
    task_cfg: Mapping[str, Any] | str | Path, *, checks_names: bool = True
) -> BenchmarkRun:
    """A draft run from a task configuration; raises TaskError for what it cannot mean."""
    given = _read(task_cfg) if isinstance(task_cfg, str | Path) else dict(task_cfg)
    values = {NAMES.get(name, name): value for name, value in given.items()}
    if not values.get("model") or not values.get("datasets"):
        raise TaskError("a task configuration needs at least 'model' and 'datasets'")
    model, arguments = model_by_name(str(values.pop("model")), values.pop("model_args", None) or {})
    selection = values.pop("datasets")
    run_values = {name: values.pop(name) for name in RUN_FIELDS & values.keys()}
    return create_benchmark_run(
        language_model=model,
        selection=[selection] if isinstance(selection, str) else list(selection),
        options=run_options({k: v for k, v in values.items() if v is not None}),
        model_args=arguments,
        checks_names=checks_names,
        **run_values,
    )


def _read(path: str | Path) -> dict[str, Any]:
    text = Path(path).read_text()
    loaded = json.loads(text) if str(path).endswith(".json") else yaml.safe_load(text)
    if not isinstance(loaded, dict):
        raise TaskError(f"{path} does not hold a mapping of options")
    return loaded


def run_to_end(run: BenchmarkRun) -> BenchmarkRun:
    """Prepare and drive a run in this process; another process may join by its rows."""
    prepare_run(run)
    with turn_at_accelerator(waits=True) if run.engine == EngineKind.LOCAL else nullcontext():
        _require_model(run)
        _drive_to_end(run)
    run.refresh_from_db()
    return run


def _drive_to_end(run: BenchmarkRun) -> None:
    BenchmarkRun.objects.filter(pk=run.pk, status__in=(RunStatus.DRAFT, RunStatus.STOPPED)).update(
        status=RunStatus.ACTIVE,
        status_detail="",
        started_at=timezone.now(),
        enqueued_at=timezone.now() + KEPT_HERE,
    )
    run.refresh_from_db()
    if run.is_active:
        drive_here(run, options=DriveOptions(max_s=None))
        finish_if_done(run)


def _require_model(run: BenchmarkRun) -> None:
    """Load the model before any row is claimed: a wrong folder is one error, not one per sample."""
    if run.engine != EngineKind.LOCAL or not run.items().unfinished().exists():
        return
    try:
        engine_for(run.model_args)
    except (OSError, ValueError, ImportError) as error:
        raise TaskError(f"the model cannot be loaded: {in_words(error)}") from error


def results(run: BenchmarkRun) -> dict[str, Json]:
    """Scores of all tasks and groups, with what they were measured by."""
    tasks = {
        task.name: {
            "metrics": task.scores,
            "primary_metric": task.primary_metric,
            "protocol": task.protocol,
            "categories": task.category_scores,
            "audit": task.audit,
            "fingerprint": task.fingerprint_hash,
            "stopped_early": task.stopped_early,
            "drop": task.drop,
        }
        for task in run.tasks.all()
    }
    return {"run": run.pk, "model": run.language_model.slug, "status": run.status,
            "tasks": tasks, "groups": group_scores(run)}  # fmt: skip
