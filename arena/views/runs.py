"""Runs of every kind: the list, one run with live progress, and what can be asked of it."""

from __future__ import annotations

from itertools import chain

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from arena.access import staff_only
from arena.models import Run
from arena.run_progress import failure_groups, run_progress
from arena.services.run_actions import RUN_ACTIONS
from arena.services.runs import RunStateError
from arena.work.kinds import run_kind, run_kinds

RUNS_SHOWN = 50


def get_run(kind_name: str, run_id: int) -> Run:
    try:
        kind = run_kind(kind_name)
    except LookupError as error:
        raise Http404(str(error)) from None
    run = kind.model._default_manager.filter(pk=run_id).first()
    if run is None:
        raise Http404(f"There is no {kind_name} run {run_id}.")
    return run


@staff_only
@require_safe
def run_list(request: HttpRequest) -> HttpResponse:
    newest = chain.from_iterable(
        kind.model._default_manager.order_by("-id")[:RUNS_SHOWN] for kind in run_kinds()
    )
    runs = sorted(newest, key=lambda run: run.created_at, reverse=True)[:RUNS_SHOWN]
    template = "runs/_run_table.html" if request.headers.get("HX-Request") else "runs/run_list.html"
    return render(request, template, {"progress_of_runs": [run_progress(run) for run in runs]})


@staff_only
@require_safe
def run_detail(request: HttpRequest, kind: str, run_id: int) -> HttpResponse:
    """The run's page; htmx asks for the same progress every other second while it goes."""
    run = get_run(kind, run_id)
    context = {"progress": run_progress(run), "failures": failure_groups(run), "run": run}
    is_partial = request.headers.get("HX-Target") == "run-progress"
    template = "runs/_run_progress.html" if is_partial else "runs/run_detail.html"
    if not is_partial:
        context["facts"] = run_kind(kind).facts(run)
    return render(request, template, context)


@staff_only
@require_safe
def run_json(request: HttpRequest, kind: str, run_id: int) -> HttpResponse:
    return JsonResponse(run_progress(get_run(kind, run_id)).as_json())


@staff_only
@require_POST
def run_action(request: HttpRequest, kind: str, run_id: int, action: str) -> HttpResponse:
    """Pause, resume, cancel, or retry what failed; who asks for JSON gets the run's progress."""
    run = get_run(kind, run_id)
    wants_json = request.get_preferred_type(["text/html", "application/json"]) == "application/json"
    try:
        told = RUN_ACTIONS[action](run)
    except RunStateError as error:
        if wants_json:
            return JsonResponse({"detail": str(error)}, status=409)
        messages.error(request, str(error))
    else:
        if wants_json:
            return JsonResponse(run_progress(run).as_json() | {"detail": told})
        messages.success(request, told)
    return redirect("run_detail", kind=kind, run_id=run_id)
