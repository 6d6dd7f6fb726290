"""The benchmark board, the queue with its devices, and the comparison of runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from benchmarks.charts import capability_radar, heat_map
from benchmarks.forms import CompareForm
from benchmarks.models import Device
from benchmarks.selectors import (
    TaskComparison,
    benchmark_board,
    compare_runs,
    newest_runs,
    queue_lines,
)

# a tick where two runs do not differ
MIDDLE = ({"position": 50},)


@require_safe
def board(request: HttpRequest) -> HttpResponse:
    text = request.GET.get("q", "")[:100]
    found = benchmark_board(text)
    charts = [heat_map(found)] if len(found.columns) > 1 and found.models else []
    charts += [chart for chart in (capability_radar(found),) if chart is not None]
    context = {
        "board": found,
        "rows": found.rows(),
        "charts": charts,
        "text": text,
        "runs": newest_runs(20),
    }
    return render(request, "benchmarks/board.html", context)


@require_safe
def board_json(request: HttpRequest) -> HttpResponse:
    """Every cell with its interval, fingerprint and run, for programs."""
    found = benchmark_board(request.GET.get("q", "")[:100])
    cells = [
        {
            "model": model.slug,
            "task": task.name,
            "metric": task.primary_metric,
            "fingerprint": task.fingerprint_hash,
            "run": task.run_id,
            **task.score,
        }
        for model, tasks in found.rows()
        for task in tasks
        if task is not None
    ]
    return JsonResponse({"scores": cells})


@require_safe
def queue(request: HttpRequest) -> HttpResponse:
    """What waits, what runs, and the devices; htmx asks again every other second."""
    context = {"devices": Device.objects.select_related("run"), "lines": queue_lines()}
    is_partial = request.headers.get("HX-Request") == "true"
    template = "benchmarks/_queue.html" if is_partial else "benchmarks/queue.html"
    return render(request, template, context)


def drawn_differences(lines: Sequence[TaskComparison]) -> list[dict[str, Any]]:
    """Each line with the places of its interval on one scale whose middle is no difference."""
    reach = max((abs(bound) for line in lines for bound in line.bounds), default=0.0) or 1.0

    def place(value: float) -> float:
        return round(50 + 48 * value / reach, 2)

    return [
        {"line": line, **dict(zip(("left", "at", "right"), map(place, line.bounds), strict=True))}
        for line in lines
    ]


@require_safe
def compare(request: HttpRequest) -> HttpResponse:
    """Two runs, task by task and sample by sample."""
    form = CompareForm(request.GET or None)
    context: dict[str, object] = {"form": form}
    if form.is_bound and form.is_valid():
        first, second = form.cleaned_data["a"], form.cleaned_data["b"]
        found = compare_runs(first, second)
        context |= {"a": first, "b": second, "comparison": found,
                    "drawn": drawn_differences(found.lines), "middle": MIDDLE}  # fmt: skip
    return render(request, "benchmarks/compare.html", context)
