"""Starting a judge run after seeing what it takes, and reading what came of one."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from arena.access import signed_in_user, staff_only
from arena.calling import NotCallableError
from arena.services.generation import EmptyRunError
from judging.budget import BudgetError
from judging.forms import JudgeRunForm, JudgmentFilter
from judging.judges import JudgeSettingsError
from judging.models import JudgeRun, Judgment
from judging.prompts import PromptError
from judging.report import report_html
from judging.selectors import listed_judgments
from judging.services.judge_runs import start_judge_run
from judging.services.ledger import JudgeRunError
from judging.services.planning import JudgePlan, plan_judge_run

ROWS_PER_PAGE = 50
REFUSALS = (
    *(JudgeRunError, BudgetError, JudgeSettingsError, PromptError),
    *(NotCallableError, EmptyRunError),
)


@staff_only
@require_http_methods(["GET", "HEAD", "POST"])
def judge_run_new(request: HttpRequest) -> HttpResponse:
    """The form; its second button, for browsers without scripts, shows the plan only."""
    form = JudgeRunForm(request.POST or None, initial=request.GET.dict())
    plan = None
    if request.method == "POST" and form.is_valid():
        if "show_plan" in request.POST:
            plan = _plan(form)
        else:
            try:
                run = start_judge_run(
                    form.spec(is_starting=True), created_by=signed_in_user(request)
                )
            except REFUSALS as error:
                form.add_error(None, str(error))
            else:
                return redirect("run_detail", kind="judging", run_id=run.pk)
    return render(request, "judging/judge_run_new.html", {"form": form, "plan": plan})


@staff_only
@require_safe
def judge_run_plan(request: HttpRequest) -> HttpResponse:
    """What the run that is being filled in would take; asked for at every change."""
    form = JudgeRunForm(request.GET)
    plan = _plan(form) if form.is_valid() else None
    return render(request, "judging/_plan.html", {"form": form, "plan": plan})


def _plan(form: JudgeRunForm) -> JudgePlan | None:
    try:
        return plan_judge_run(form.spec())
    except REFUSALS as error:
        form.add_error(None, str(error))
        return None


@staff_only
@require_safe
def run_judgments(request: HttpRequest, kind: str, run_id: int) -> HttpResponse:
    """Every judgment of a run with the judge's raw text."""
    run = get_object_or_404(JudgeRun.objects.select_related("judge"), pk=run_id)
    form = JudgmentFilter(request.GET)
    pages = Paginator(
        listed_judgments(Judgment.objects.filter(run=run), form.chosen()), ROWS_PER_PAGE
    )
    context = {
        "run": run,
        "filter_form": form,
        "page": pages.get_page(request.GET.get("page")),
        "htmx_target": "#judgment-table",
    }
    is_partial = request.headers.get("HX-Target") == "judgment-table"
    template = "judging/_judgment_table.html" if is_partial else "judging/run_judgments.html"
    return render(request, template, context)


@staff_only
@require_safe
def run_report(request: HttpRequest, run_id: int) -> HttpResponse:
    """The run's report: to read, or with ``?download=1`` to keep as a file."""
    run = get_object_or_404(JudgeRun.objects.select_related("judge", "question_set"), pk=run_id)
    is_file = bool(request.GET.get("download"))
    response = HttpResponse(report_html(run, is_page=not is_file))
    if is_file:
        response["Content-Disposition"] = f'attachment; filename="judge-run-{run.pk}.html"'
    return response
