"""Starting runs, uploading questions, finding tasks."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from arena.access import signed_in_user, staff_only
from arena.calling import NotCallableError
from arena.models import LanguageModel, RunStatus
from arena.services.runs import RunStateError
from benchmarks.engine.spec import ModelArgsError
from benchmarks.forms import LaunchForm, QuestionFileForm
from benchmarks.models import BenchmarkRun, BenchmarkTask, Intent, QuestionFile
from benchmarks.questions.reading import QuestionFileError
from benchmarks.services.launching import discard_draft, launch_in_background, start_forecast
from benchmarks.services.libraries import how_to_install, missing_packages
from benchmarks.services.question_files import delete_question_file, save_question_file
from benchmarks.services.running import run_from_config
from benchmarks.services.task_names import (
    ask_for_catalogue,
    card_and_tree,
    is_catalogue_ready,
    search_cards,
)
from benchmarks.suites.clue import MADE_OF as CLUE_IS_MADE_OF
from benchmarks.suites.presets import PRESETS
from benchmarks.suites_base import TaskError

TASKS_SHOWN = 100
MEMBERS_SHOWN = 300


def what_is_missing() -> list[dict[str, Any]]:
    """Extras that are not installed on this host, with what cannot be done without them."""
    without = {
        "local": _("Checkpoints cannot be run here; models with an endpoint can."),
        "benchmarks": _("lm-eval's tasks cannot be run here; own questions and ours can."),
    }
    return [
        {"packages": missing_packages(extra), "told": told, "command": how_to_install(extra)}
        for extra, told in without.items()
        if missing_packages(extra)
    ]


@staff_only
def new_run(request: HttpRequest) -> HttpResponse:
    initial = {
        "tasks": " ".join(request.GET.getlist("tasks")),
        "model": request.GET.get("model", ""),
        "question_files": [n for n in request.GET.getlist("file") if n.isdigit()],
    }
    form = LaunchForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        run = _launched(request, form)
        if run is not None:
            return redirect("benchmark_run", run_id=run.pk)
    if not is_catalogue_ready():
        ask_for_catalogue()
    context = {
        "form": form,
        "known_models": LanguageModel.objects.active().values_list("slug", flat=True),
        "presets": [*((name, title, told) for name, (title, told, _) in PRESETS.items()), *_ours()],
        "missing": what_is_missing(),
    }
    return render(request, "benchmarks/new_run.html", context)


def _ours() -> list[tuple[str, str, str]]:
    """Selections of our own suites that need no file of the user's."""
    return [
        ("clue", "CLUE", CLUE_IS_MADE_OF),
        ("humaneval mbpp", _("Programs"), "HumanEval, MBPP"),
        ("needle_haystack", "Needle in a haystack", "One fact in a long text, by length and depth"),
    ]


def _launched(request: HttpRequest, form: LaunchForm) -> BenchmarkRun | None:
    """The run that the form asks for; what cannot work is told on the form."""
    is_forecast = request.POST.get("then") == Intent.FORECAST
    try:
        # a list that is still being read must not hold up the request: the worker checks the names
        run = run_from_config(form.configuration(), checks_names=is_catalogue_ready())
    except (TaskError, ModelArgsError, NotCallableError) as error:
        form.add_error(None, str(error))
        return None
    BenchmarkRun.objects.filter(pk=run.pk).update(created_by=signed_in_user(request))
    launch_in_background(run, intent=Intent.FORECAST if is_forecast else Intent.START)
    return run


@staff_only
@require_POST
def draft_action(request: HttpRequest, run_id: int, action: str) -> HttpResponse:
    """Start a forecast run, prepare one again once its cause is mended, or forget it."""
    run = get_object_or_404(BenchmarkRun, pk=run_id)
    try:
        if action == "start":
            start_forecast(run=run)
            messages.success(request, _("Started."))
        elif action == "prepare":
            launch_in_background(run, intent=Intent(run.intent or Intent.START))
            messages.success(request, _("The run is being prepared."))
        else:
            discard_draft(run=run)
            messages.success(request, _("The draft is gone."))
            return redirect("benchmark_board")
    except RunStateError as error:
        messages.error(request, str(error))
    return redirect("benchmark_run", run_id=run_id)


@staff_only
def upload_questions(request: HttpRequest) -> HttpResponse:
    form = QuestionFileForm(request.POST or None, request.FILES or None)
    errors = []
    if request.method == "POST" and form.is_valid():
        upload = form.cleaned_data["file"]
        try:
            row = save_question_file(
                name=form.cleaned_data["name"],
                kind=form.cleaned_data["kind"],
                filename=upload.name or "questions",
                content=upload.read(),
                uploaded_by=signed_in_user(request),
            )
        except QuestionFileError as error:
            errors = error.errors
            form.add_error("file", _("Nothing was stored: some rows cannot be used."))
        except TaskError as error:
            form.add_error("file", str(error))
        else:
            messages.success(request, _("%(n)d questions are stored.") % {"n": row.rows})
            return redirect("benchmark_new")
    context = {"form": form, "row_errors": errors, "files": QuestionFile.objects.all()}
    return render(request, "benchmarks/upload.html", context)


@staff_only
@require_POST
def delete_questions(request: HttpRequest, file_id: int) -> HttpResponse:
    """Forget an uploaded file; runs keep the prompts they were made of."""
    row = get_object_or_404(QuestionFile, pk=file_id)
    try:
        delete_question_file(file=row)
        messages.success(request, _("The file is gone; runs keep their samples."))
    except TaskError as error:
        messages.error(request, str(error))
    return redirect("benchmark_upload")


@staff_only
@require_safe
def task_list(request: HttpRequest) -> HttpResponse:
    """All tasks, groups and presets by name."""
    text = request.GET.get("q", "").strip()[:100]
    is_ready = is_catalogue_ready()
    if not is_ready:
        ask_for_catalogue()
    kind = request.GET.get("kind", "")
    found = [card for card in search_cards(text) if kind in ("", card.kind)]
    context = {
        "cards": found[:TASKS_SHOWN],
        "count": len(found),
        "text": text,
        "kind": kind,
        "is_reading": not is_ready,
        "missing": [m for m in what_is_missing() if "lm_eval" in m["packages"]],
    }
    is_partial = request.headers.get("HX-Request") == "true"
    template = "benchmarks/_task_table.html" if is_partial else "benchmarks/task_list.html"
    return render(request, template, context)


@staff_only
@require_safe
def task_page(request: HttpRequest, name: str) -> HttpResponse:
    """A task or group: what it is, what it is made of, and who was measured on it."""
    if not is_catalogue_ready():
        ask_for_catalogue()
        return redirect("benchmark_task_list")
    try:
        card, tree = card_and_tree(name)
    except TaskError as error:
        raise Http404(str(error)) from error
    measured = (
        BenchmarkTask.objects.filter(name__in=tree.tasks[:MEMBERS_SHOWN], scored_at__isnull=False)
        .exclude(run__status=RunStatus.DRAFT)
        .select_related("run__language_model")
        .order_by("-id")[:20]
    )
    context = {
        "card": card,
        "tree": tree,
        "members": tree.tasks[:MEMBERS_SHOWN] if tree.tasks != (name,) else (),
        "count": len(tree.tasks),
        "measured": measured,
    }
    return render(request, "benchmarks/task.html", context)
