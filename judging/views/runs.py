"""Starting a judge run after seeing what it takes, and reading what came of one."""

from __future__ import annotations

from csp.constants import SELF
from csp.decorators import csp_update
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from arena.access import staff_only
from judging.forms import JudgeRunForm, JudgmentFilter
from judging.models import JudgeRun, Judgment
from judging.report import report_html, rows_behind, scope_of
from judging.services.judge_runs import start_judge_run
from judging.services.planning import plan_judge_run
from judging.views.judgment_list import show_judgments
from judging.views.planned import PlannedStart


def _start(form: JudgeRunForm, user: User | None) -> str:
    run = start_judge_run(form.spec(is_starting=True), created_by=user)
    return reverse("run_detail", kwargs={"kind": "judging", "run_id": run.pk})


NEW_RUN = PlannedStart(
    form=JudgeRunForm,
    plan=lambda form: plan_judge_run(form.spec()),
    start=_start,
    page="judging/judge_run_new.html",
    part="judging/_plan.html",
)
judge_run_new = staff_only(require_http_methods(["GET", "HEAD", "POST"])(NEW_RUN.show))
judge_run_plan = staff_only(require_safe(NEW_RUN.show_plan))


@staff_only
@require_safe
def run_judgments(request: HttpRequest, kind: str, run_id: int) -> HttpResponse:
    """Every judgment of a run with the judge's raw text, or all that its report is about."""
    run = get_object_or_404(JudgeRun.objects.select_related("judge"), pk=run_id)
    form = JudgmentFilter(request.GET)
    chosen = form.chosen()
    figure = chosen.get("figure")
    return show_judgments(
        request,
        form,
        scope_of(run) if figure or chosen.get("scope") else Judgment.objects.filter(run=run),
        template="judging/run_judgments.html",
        about={"run": run},
        only=rows_behind(run, figure) if figure else None,
    )


@staff_only
@csp_update({"style-src-elem": [SELF, "'unsafe-inline'"]})  # type: ignore[arg-type]  # its type knows no arguments
@require_safe
def run_report(request: HttpRequest, run_id: int) -> HttpResponse:
    """The run's report: to read, or with ``?download=1`` to keep as a file, which is why it brings
    a style of its own.
    """
    run = get_object_or_404(JudgeRun.objects.select_related("judge", "question_set"), pk=run_id)
    is_file = bool(request.GET.get("download"))
    response = HttpResponse(report_html(run, is_page=not is_file))
    if is_file:
        response["Content-Disposition"] = f'attachment; filename="judge-run-{run.pk}.html"'
    return response
