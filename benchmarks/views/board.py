"""The benchmark board, the queue with its devices, and the comparison of runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from benchmarks.board import benchmark_board
from benchmarks.charts import capability_radar, heat_map
from benchmarks.forms import CompareForm
from benchmarks.models import Device
from benchmarks.selectors import (
    TaskComparison,
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
    text = request.GET.get("q", "")[:100]
    found = benchmark_board(text, merges_groups=False, most=None)
    cells = [
        {
            "model": model.slug,
            "task": cell.name,
            "metric": cell.metric,
            "fingerprint": cell.key,
            "run": cell.run_id,
            **cell.score,
        }
        for model, row in found.rows()
        for cell in row
        if cell is not None
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
    """Each line with the places of its interval on one scale whose middle is no difference.

    Shares have a common scale; another figure, such as a log-probability, has one of its own.
    """
    shares = [abs(bound) for line in lines if line.is_share for bound in line.bounds]

    def places(line: TaskComparison) -> dict[str, float]:
        reach = max(shares if line.is_share else map(abs, line.bounds), default=0.0) or 1.0
        found = (round(50 + 48 * bound / reach, 2) for bound in line.bounds)
        return dict(zip(("left", "at", "right"), found, strict=True))

    return [{"line": line, **places(line)} for line in lines]


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
