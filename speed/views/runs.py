"""The list, the form, one run while it goes and after, and its files."""

from __future__ import annotations

from typing import Any  # template contexts

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from arena.access import signed_in_user, staff_only
from speed.export import run_as_csv, run_as_json
from speed.forms import CostForm, SloForm, SpeedRunForm
from speed.models import SpeedAudit, SpeedRun
from speed.report import calculate_goodput, cost_rows, phase_context, phase_page
from speed.selectors import listed_runs, live_state, sweep_charts, target_names
from speed.services.comparing import compare_sides
from speed.services.planning import REFUSALS
from speed.services.starting import check_spec, start_speed_run, stop_speed_run
from speed.spec import SpeedSpec, spec_from_json
from speed.views.words import (
    asked_rows,
    calibration_rows,
    compared_rows,
    device_rows,
    in_process_table,
    regression_rows,
    search_table,
)

RUNS_PER_PAGE = 25
AUDIT_LINES = 100


@staff_only
@require_safe
def speed_list(request: HttpRequest) -> HttpResponse:
    page = Paginator(listed_runs(), RUNS_PER_PAGE).get_page(request.GET.get("page"))
    rows = [(run, ", ".join(target_names(run)), list(run.phases.all())) for run in page]
    is_partial = request.headers.get("HX-Target") == "speed-table"
    template = "speed/_run_table.html" if is_partial else "speed/list.html"
    is_live = any(run.is_unfinished for run in page)
    return render(request, template, {"page": page, "rows": rows, "is_live": is_live})


@staff_only
@require_http_methods(["GET", "HEAD", "POST"])
def speed_new(request: HttpRequest) -> HttpResponse:
    """The form; its second button, for browsers without scripts, shows the plan only."""
    form = SpeedRunForm(request.POST or None, initial=request.GET.dict())
    context: dict[str, Any] = {"form": form}
    if request.method == "POST" and form.is_valid():
        try:
            if "show_plan" in request.POST:
                context |= plan_context(form.spec())
            else:
                run = start_speed_run(spec=form.spec(), created_by=signed_in_user(request))
                return redirect("speed_run", run_id=run.pk)
        except REFUSALS as error:
            form.add_error(None, str(error))
    return render(request, "speed/new.html", context)


@staff_only
@require_safe
def speed_plan(request: HttpRequest) -> HttpResponse:
    """What the form as it stands would do; asked for at every change."""
    form = SpeedRunForm(request.GET)
    context: dict[str, Any] = {"form": form}
    if form.is_valid():
        try:
            context |= plan_context(form.spec())
        except REFUSALS as error:
            form.add_error(None, str(error))
    return render(request, "speed/_plan.html", context)


def plan_context(spec: SpeedSpec) -> dict[str, Any]:
    """The levels of a checked spec; raises one of REFUSALS."""
    check_spec(spec)
    phases = spec.phases()
    requests = [phase.requests for phase in phases if phase.requests is not None]
    seconds = [phase.duration_s for phase in phases if phase.duration_s is not None]
    turns = 2 * spec.rounds if spec.mode == "interleaved" else 1
    return {
        "spec": spec,
        "phases": phases,
        "n_requests": sum(requests) * turns,
        "at_most_s": sum(seconds) * turns,
        "at_most_tokens": sum(requests) * turns * (spec.workload.output_tokens or 0),
    }


@staff_only
@require_safe
def speed_run(request: HttpRequest, run_id: int) -> HttpResponse:
    """A run: polled every second while it goes, its levels and findings when it has ended."""
    run = get_object_or_404(SpeedRun.objects.select_related("created_by"), pk=run_id)
    context: dict[str, Any] = {"run": run, "targets": ", ".join(target_names(run))}
    if run.is_unfinished:
        context["live"] = live_state(run)
        is_partial = request.headers.get("HX-Target") == "speed-live"
        return render(request, "speed/_live.html" if is_partial else "speed/live.html", context)
    if request.headers.get("HX-Target") == "speed-live":
        # the run has ended: the whole page is another one now
        return HttpResponse(headers={"HX-Refresh": "true"})
    phases = list(run.phases.all())
    sides = compare_sides(run) if run.mode == "interleaved" and phases else None
    context |= {
        "phases": phases,
        "sweep": sweep_charts(phases),
        "asked": asked_rows(run),
        "sides": sides,
        "compared": compared_rows(sides) if sides else [],
        "regressions": regression_rows(run),
        "search": search_table(run),
        "calibration": calibration_rows(run),
        "in_process": in_process_table(run),
        "device": device_rows(run),
    }
    return render(request, "speed/run.html", context)


@staff_only
@require_safe
def speed_phase(request: HttpRequest, run_id: int, number: int) -> HttpResponse:
    """One level with every definition, chart and check, and the calculator of objectives."""
    run = get_object_or_404(SpeedRun, pk=run_id)
    page = phase_page(run, number)
    form = SloForm(request.GET)
    answer = calculate_goodput(page, form.cleaned_data) if form.is_valid() else None
    context = phase_context(page, request.GET.get("definition", ""))
    context |= {"run": run, "slo_form": form, "slo": answer[0] if answer else None}
    context["goodput"] = answer[1] if answer else None
    costs = CostForm(request.GET)
    context["cost_form"] = costs
    context["costs"] = cost_rows(page, costs.cleaned_data) if costs.is_valid() else []
    return render(request, "speed/phase.html", context)


@staff_only
@require_POST
def speed_stop(request: HttpRequest, run_id: int) -> HttpResponse:
    run = get_object_or_404(SpeedRun, pk=run_id)
    if stop_speed_run(run=run, user=signed_in_user(request)):
        messages.success(request, _("Stopping. What was measured until now is kept."))
    else:
        messages.error(request, _("This run has ended already."))
    return redirect("speed_run", run_id=run.pk)


@staff_only
@require_POST
def speed_again(request: HttpRequest, run_id: int) -> HttpResponse:
    """The same work on the same target once more, so that history can compare the two."""
    run = get_object_or_404(SpeedRun, pk=run_id)
    try:
        again = start_speed_run(spec=spec_from_json(run.spec), created_by=signed_in_user(request))
    except REFUSALS as error:
        messages.error(request, str(error))
        return redirect("speed_run", run_id=run.pk)
    return redirect("speed_run", run_id=again.pk)


@staff_only
@require_safe
def speed_json(request: HttpRequest, run_id: int) -> HttpResponse:
    run = get_object_or_404(SpeedRun, pk=run_id)
    options = {"ensure_ascii": False, "indent": 2}
    return JsonResponse(run_as_json(run), json_dumps_params=options)


@staff_only
@require_safe
def speed_csv(request: HttpRequest, run_id: int) -> HttpResponse:
    run = get_object_or_404(SpeedRun, pk=run_id)
    return HttpResponse(
        run_as_csv(run),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="speed-{run.pk}.csv"'},
    )


@staff_only
@require_safe
def speed_html(request: HttpRequest, run_id: int) -> HttpResponse:
    """The whole report as one file without scripts or addresses, to be sent to somebody."""
    run = get_object_or_404(SpeedRun, pk=run_id)
    pages = [phase_context(phase_page(run, row.number), "llmuses") for row in run.phases.all()]
    response = render(request, "speed/export.html", {"run": run, "pages": pages})
    response["Content-Disposition"] = f'attachment; filename="speed-{run.pk}.html"'
    return response


@staff_only
@require_safe
def speed_audit(request: HttpRequest) -> HttpResponse:
    lines = SpeedAudit.objects.select_related("user")[:AUDIT_LINES]
    return render(request, "speed/audit.html", {"lines": lines})
