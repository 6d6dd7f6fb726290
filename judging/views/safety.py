"""Attack success rates of a safety judge's run."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from arena.access import staff_only
from judging.attack_success import SAFETY_KIND, attack_rates
from judging.models import JudgeRun


@staff_only
@require_safe
def run_attack_success(request: HttpRequest, run_id: int) -> HttpResponse:
    run = get_object_or_404(JudgeRun.objects.select_related("judge", "question_set"), pk=run_id)
    if run.judge.kind != SAFETY_KIND:
        raise Http404(f"Judge {run.judge.slug!r} of run {run.pk} labels no attacks.")
    context = {"run": run, "models": attack_rates(run)}
    return render(request, "judging/attack_success.html", context)
