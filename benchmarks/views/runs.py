"""A run's page, its samples, and what can be asked of it."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from arena.access import staff_only
from arena.run_progress import failure_groups, run_progress
from benchmarks.charts import needle_map
from benchmarks.models import BenchmarkRun, BenchmarkTask, Sample
from benchmarks.probe_lines import probe_lines
from benchmarks.reporting import report_context
from benchmarks.sample_reading import choice_lines, gold_text, split_choices
from benchmarks.selectors import (
    FILTERS,
    comparable_runs,
    same_question_elsewhere,
    samples_of,
    target_lines,
    task_lines,
    told_settings,
)
from benchmarks.services.group_scores import group_scores
from benchmarks.services.running import results
from benchmarks.services.scoring import reading_of, readings_of, rescore
from benchmarks.suites_base import TaskError, unpack_requests

SAMPLES_PER_PAGE = 30
METRICS_SHOWN = 6


def _run(run_id: int) -> BenchmarkRun:
    return get_object_or_404(BenchmarkRun.objects.select_related("language_model"), pk=run_id)


@require_safe
def run_page(request: HttpRequest, run_id: int) -> HttpResponse:
    """Progress and running scores; htmx asks for the same part every other second."""
    run = _run(run_id)
    context = {
        "run": run,
        "progress": run_progress(run),
        "lines": task_lines(run),
        "groups": group_scores(run),
        "probes": probe_lines(run),
        "failures": failure_groups(run),
        "devices": list(run.devices.alive()),
    }
    if request.headers.get("HX-Request") == "true":
        return render(request, "benchmarks/_run_scores.html", context)
    context["targets"] = target_lines(run)
    context["settings"] = told_settings(run)
    return render(request, "benchmarks/run.html", context)


@require_safe
def run_results(request: HttpRequest, run_id: int, kind: str = "benchmark") -> HttpResponse:
    return redirect("benchmark_run", run_id=run_id)


@require_safe
def run_json(request: HttpRequest, run_id: int) -> HttpResponse:
    return JsonResponse(results(_run(run_id)))


@require_safe
def run_report(request: HttpRequest, run_id: int) -> HttpResponse:
    """One self-contained HTML file with scores, intervals, settings and audit."""
    run = _run(run_id)
    response = render(request, "benchmarks/report.html", report_context(run))
    response["Content-Disposition"] = f'attachment; filename="benchmark-run-{run.pk}.html"'
    return response


@require_safe
def sample_list(request: HttpRequest, run_id: int, task_id: int) -> HttpResponse:
    """A task's samples, narrowed by what a reader looks for."""
    task = get_object_or_404(
        BenchmarkTask.objects.select_related("run__language_model"), pk=task_id, run_id=run_id
    )
    other = request.GET.get("differs_from", "")
    chosen = {
        "show": request.GET.get("show", ""),
        "category": request.GET.get("category", ""),
        "text": request.GET.get("text", "").strip()[:200],
        "differs_from": int(other) if other.isdigit() else None,
    }
    rows = samples_of(task, **chosen)  # type: ignore[arg-type]  # a mapping of texts and a number
    categories = task.samples.order_by("category").values_list("category", flat=True).distinct()
    page = Paginator(rows, SAMPLES_PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "run": task.run,
        "task": task,
        "page": page,
        "lines": [(sample, gold_text(sample), _question(sample)) for sample in page],
        "chosen": chosen,
        "filters": FILTERS,
        "others": comparable_runs(task),
        "categories": [category for category in categories if category],
        "category_scores": task.category_scores,
        "extractors": readings_of(task),
        "reading": reading_of(task),
        "needle": needle_map(list(task.samples.scored())) if task.suite == "needle" else None,
    }
    return render(request, "benchmarks/samples.html", context)


QUESTION_NAMES = ("question", "query", "problem", "prompt", "ctx", "input", "text", "sentence")


def _question(sample: Sample) -> str:
    """A few words to know a sample by: data sets call the question by different names."""
    found = sample.doc if isinstance(sample.doc, dict) else {}
    return next((str(found[name]) for name in QUESTION_NAMES if found.get(name)), "")


@require_safe
def sample_page(request: HttpRequest, sample_id: int) -> HttpResponse:
    """A sample with everything behind its score."""
    sample = get_object_or_404(
        Sample.objects.select_related("task__run__language_model", "run"), pk=sample_id
    )
    requests = unpack_requests(sample.requests)
    responses = sample.responses or [{}] * len(requests)
    asked = list(zip(requests, responses, strict=False))
    verdicts = sample.detail.get("verdicts", [])
    neighbours = sample.task.samples.order_by("index")
    context = {
        "sample": sample,
        "task": sample.task,
        "run": sample.task.run,
        "prompt": requests[0]["context"] if requests else "",
        "asked": [
            {"request": ask, "response": reply, "verdict": _at(verdicts, place)}
            for place, (ask, reply) in enumerate(asked)
        ],
        "choices": split_choices(choice_lines(sample, asked)),
        "gold": gold_text(sample),
        "numbers": [
            (name, f"{value:g}") for name, value in sample.metrics.items() if _is_number(value)
        ][:METRICS_SHOWN],
        "document": sample.doc.items() if isinstance(sample.doc, dict) else [("", sample.doc)],
        "others": same_question_elsewhere(sample),
        "previous": neighbours.filter(index__lt=sample.index).last(),
        "next": neighbours.filter(index__gt=sample.index).first(),
    }
    return render(request, "benchmarks/sample.html", context)


def _at(values: Sequence[str], place: int) -> str:
    return values[place] if place < len(values) else ""


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


@staff_only
@require_POST
def rescore_task(request: HttpRequest, run_id: int, task_id: int) -> HttpResponse:
    """Read the stored answers with another extractor."""
    task = get_object_or_404(BenchmarkTask, pk=task_id, run_id=run_id)
    try:
        rescore(task=task, extractor=request.POST.get("extractor", ""))
        messages.success(request, _("Read again; the model was not asked."))
    except TaskError as error:
        messages.error(request, str(error))
    return redirect("benchmark_samples", run_id=run_id, task_id=task_id)


@staff_only
@require_POST
def set_priority(request: HttpRequest, run_id: int) -> HttpResponse:
    """Let a run go before or after others; workers look again after each chunk."""
    value = request.POST.get("priority", "0")
    if value.lstrip("-").isdigit():
        BenchmarkRun.objects.filter(pk=run_id).update(priority=max(min(int(value), 1000), -1000))
    return redirect("benchmark_queue")
