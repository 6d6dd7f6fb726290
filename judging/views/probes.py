"""Probing a judge: what it takes, starting it, and the rows behind each pass rate."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from arena.access import signed_in_user, staff_only
from arena.calling import NotCallableError
from judging.disclosure import cases_shown_to_strangers
from judging.forms import ProbeForm
from judging.judges import JUDGES, JudgeSettingsError
from judging.models import Judge, JudgmentMode, ProbeRun
from judging.probe_results import probed_cases
from judging.probes import PROBES
from judging.prompts import PromptError
from judging.services.probing import ProbeError, ProbePlan, plan_probe_run, start_probe_run

CASES_PER_PAGE = 25
REFUSALS = (ProbeError, NotCallableError, JudgeSettingsError, PromptError)


def _judge(slug: str, version: int) -> Judge:
    judges = Judge.objects.select_related("language_model__endpoint")
    judge = get_object_or_404(judges, slug=slug, version=version)
    if judge.kind not in JUDGES.names():
        raise Http404(f"Judge {slug!r} came with imported verdicts and cannot be asked.")
    return judge


@staff_only
@require_http_methods(["GET", "HEAD", "POST"])
def probe_run_new(request: HttpRequest, slug: str, version: int) -> HttpResponse:
    """The form with its plan; the run starts when it is sent."""
    judge = _judge(slug, version)
    form = ProbeForm(judge, request.POST or None)
    plan = None
    if request.method == "POST" and form.is_valid():
        if "show_plan" in request.POST:
            plan = _plan(form)
        else:
            try:
                run = start_probe_run(form.spec(), created_by=signed_in_user(request))
            except REFUSALS as error:
                form.add_error(None, str(error))
            else:
                return redirect("run_detail", kind="probing", run_id=run.pk)
    elif request.method != "POST":
        given = ProbeForm(judge, {**form.initial, "probes": PROBES.names()})
        plan = _plan(given) if given.is_valid() else None
    context = {"judge": judge, "form": form, "plan": plan}
    return render(request, "judging/probe_run_new.html", context)


def _plan(form: ProbeForm) -> ProbePlan | None:
    try:
        return plan_probe_run(form.spec())
    except REFUSALS as error:
        form.add_error(None, str(error))
        return None


@require_safe
def probe_rows(request: HttpRequest, slug: str, version: int, mode: str, name: str) -> HttpResponse:
    """Every case behind a pass rate: both answers and what the judge wrote."""
    judge = _judge(slug, version)
    if name not in PROBES.names() or mode not in JudgmentMode.values:
        raise Http404(f"There is no probe {name!r}; there are: {', '.join(PROBES.names())}.")
    pages = Paginator(probed_cases(judge, name, mode), CASES_PER_PAGE)
    page = pages.get_page(request.GET.get("page"))
    if not request.user.is_staff:
        page.object_list = cases_shown_to_strangers(page.object_list)
    context = {"judge": judge, "probe": PROBES.get(name), "page": page}
    return render(request, "judging/probe_rows.html", context)


@staff_only
@require_safe
def probe_run_trials(request: HttpRequest, kind: str, run_id: int) -> HttpResponse:
    """A probe run's results are on its judge's card."""
    run = get_object_or_404(ProbeRun.objects.select_related("judge"), pk=run_id)
    return redirect("judge_version", slug=run.judge.slug, version=run.judge.version)
