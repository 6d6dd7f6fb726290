"""A run's page, its samples, and what can be asked of it."""

from __future__ import annotations

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
from benchmarks.selectors import FILTERS, samples_of, target_lines, task_lines
from benchmarks.services.accelerators import wake_accelerators
from benchmarks.services.group_scores import group_scores
from benchmarks.services.running import results
from benchmarks.services.scoring import readings_of, rescore
from benchmarks.suites_base import TaskError, unpack_requests

SAMPLES_PER_PAGE = 30


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
    }
    if request.headers.get("HX-Request") == "true":
        return render(request, "benchmarks/_run_scores.html", context)
    context["targets"] = target_lines(run)
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
    context = {
        "run": run,
        "lines": task_lines(run),
        "groups": group_scores(run),
        "targets": target_lines(run),
    }
    response = render(request, "benchmarks/report.html", context)
    response["Content-Disposition"] = f'attachment; filename="benchmark-run-{run.pk}.html"'
    return response


@require_safe
def sample_list(request: HttpRequest, run_id: int, task_id: int) -> HttpResponse:
    task = get_object_or_404(
        BenchmarkTask.objects.select_related("run__language_model"), pk=task_id, run_id=run_id
    )
    other = request.GET.get("differs_from", "")
    chosen = {"show": request.GET.get("show", ""), "category": request.GET.get("category", "")}
    rows = samples_of(task, **chosen, differs_from=int(other) if other.isdigit() else None)
    categories = task.samples.order_by("category").values_list("category", flat=True).distinct()
    context = {
        "run": task.run,
        "task": task,
        "page": Paginator(rows, SAMPLES_PER_PAGE).get_page(request.GET.get("page")),
        "chosen": chosen,
        "filters": FILTERS,
        "categories": [category for category in categories if category],
        "extractors": readings_of(task),
        "needle": needle_map(list(task.samples.scored())) if task.suite == "needle" else None,
    }
    return render(request, "benchmarks/samples.html", context)


@require_safe
def sample_page(request: HttpRequest, sample_id: int) -> HttpResponse:
    """A sample with everything behind its score."""
    sample = get_object_or_404(
        Sample.objects.select_related("task__run__language_model"), pk=sample_id
    )
    requests = unpack_requests(sample.requests)
    asked = [
        {"request": request, "response": response}
        for request, response in zip(
            requests, sample.responses or [{}] * len(requests), strict=False
        )
    ]
    neighbours = sample.task.samples.order_by("index")
    context = {
        "sample": sample,
        "task": sample.task,
        "run": sample.task.run,
        "prompt": requests[0]["context"] if requests else "",
        "asked": asked,
        "is_likelihood": bool(requests) and requests[0]["kind"] == "likelihood",
        "previous": neighbours.filter(index__lt=sample.index).last(),
        "next": neighbours.filter(index__gt=sample.index).first(),
    }
    return render(request, "benchmarks/sample.html", context)


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
    """Let a run go before or after others."""
    value = request.POST.get("priority", "0")
    if value.lstrip("-").isdigit():
        BenchmarkRun.objects.filter(pk=run_id).update(priority=max(min(int(value), 1000), -1000))
        wake_accelerators()
    return redirect("benchmark_queue")
