"""Judges: the list, one judge, and making one."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from arena.access import staff_only
from judging.disclosure import shown_to_strangers
from judging.forms import JudgeForm, JudgmentFilter
from judging.judges import JudgeSettingsError
from judging.kinds import kinds_of_judge
from judging.models import Judge, Judgment
from judging.prompts import PromptError
from judging.reward_calibration import CalibrationError
from judging.selectors import judge_page, listed_judges, listed_judgments
from judging.services.calibrating import calibrate_judge
from judging.services.judges import create_judge

ROWS_PER_PAGE = 50


@require_safe
def judge_list(request: HttpRequest) -> HttpResponse:
    return render(request, "judging/judge_list.html", {"judges": listed_judges()})


@require_safe
def judge_detail(request: HttpRequest, slug: str, version: int | None = None) -> HttpResponse:
    """The newest version, or the one asked for."""
    versions = Judge.objects.filter(slug=slug).select_related("language_model")
    chosen = versions.filter(version=version) if version else versions.order_by("-version")
    judge = chosen.first()
    if judge is None:
        raise Http404(f"There is no judge {slug!r}{f' v{version}' if version else ''}.")
    return render(request, "judging/judge_detail.html", {"judge": judge, "page": judge_page(judge)})


@require_safe
def judge_judgments(request: HttpRequest, slug: str, version: int) -> HttpResponse:
    """Every real judgment of one version, whichever run made it."""
    judge = get_object_or_404(
        Judge.objects.select_related("language_model"), slug=slug, version=version
    )
    form = JudgmentFilter(request.GET)
    own = Judgment.objects.filter(judge=judge, is_dry_run=False)
    pages = Paginator(listed_judgments(own, form.chosen()), ROWS_PER_PAGE)
    page = pages.get_page(request.GET.get("page"))
    if not request.user.is_staff:
        page.object_list = shown_to_strangers(page.object_list)
    context = {
        "judge": judge,
        "filter_form": form,
        "page": page,
        "htmx_target": "#judgment-table",
    }
    is_partial = request.headers.get("HX-Target") == "judgment-table"
    template = "judging/_judgment_table.html" if is_partial else "judging/judge_judgments.html"
    return render(request, template, context)


@staff_only
@require_http_methods(["GET", "HEAD", "POST"])
def judge_new(request: HttpRequest) -> HttpResponse:
    form = JudgeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                judge = create_judge(**form.arguments())
        except (JudgeSettingsError, PromptError) as error:
            form.add_error(None, str(error))
        else:
            return redirect("judge_detail", slug=judge.slug)
    context = {"form": form, "kinds": kinds_of_judge()}
    return render(request, "judging/judge_new.html", context)


@staff_only
@require_POST
def judge_calibrate(request: HttpRequest, slug: str, version: int) -> HttpResponse:
    """Fit a reward model to people's votes; its next version is shown, or why there is none."""
    judge = get_object_or_404(Judge, slug=slug, version=version)
    try:
        fitted, found = calibrate_judge(judge)
    except CalibrationError as error:
        messages.error(request, str(error))
        return redirect("judge_version", slug=slug, version=version)
    told = _("Calibrated on %(n)d votes: scale %(scale).3g, tie band %(eta).3g.")
    messages.success(request, told % {"n": found.n, "scale": found.scale, "eta": found.tie_eta})
    return redirect("judge_version", slug=fitted.slug, version=fitted.version)
