"""Starting runs, uploading questions, finding tasks."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from arena.access import signed_in_user, staff_only
from arena.calling import NotCallableError
from arena.models import LanguageModel
from benchmarks.engine.spec import ModelArgsError
from benchmarks.forms import LaunchForm, QuestionFileForm
from benchmarks.models import BenchmarkRun, QuestionFile
from benchmarks.questions.reading import QuestionFileError
from benchmarks.services.launching import launch_in_background
from benchmarks.services.options import data_home
from benchmarks.services.question_files import save_question_file
from benchmarks.services.running import run_from_config
from benchmarks.suites import SUITES
from benchmarks.suites.presets import PRESETS
from benchmarks.suites_base import TaskError

TASKS_SHOWN = 200


@staff_only
def new_run(request: HttpRequest) -> HttpResponse:
    initial = {"tasks": request.GET.get("tasks", ""), "model": request.GET.get("model", "")}
    form = LaunchForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            run = run_from_config(form.configuration())
        except (TaskError, ModelArgsError, NotCallableError) as error:
            form.add_error(None, str(error))
        else:
            BenchmarkRun.objects.filter(pk=run.pk).update(created_by=signed_in_user(request))
            launch_in_background(run)
            return redirect("benchmark_run", run_id=run.pk)
    known = LanguageModel.objects.active().values_list("slug", flat=True)
    presets = [(name, title, told) for name, (title, told, _tasks) in PRESETS.items()]
    context = {"form": form, "known_models": known, "presets": presets}
    return render(request, "benchmarks/new_run.html", context)


@staff_only
@require_POST
def prepare_again(request: HttpRequest, run_id: int) -> HttpResponse:
    """A draft whose preparation failed, once its cause is mended."""
    run = BenchmarkRun.objects.filter(pk=run_id, status="draft").first()
    if run is not None:
        launch_in_background(run)
        messages.success(request, _("The run is being prepared."))
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
@require_safe
def task_list(request: HttpRequest) -> HttpResponse:
    """All tasks, groups and presets by name."""
    text = request.GET.get("q", "").strip().lower()[:100]
    cards = [card for _name, suite in SUITES.items() for card in suite.cards(data_home())]
    found = [c for c in cards if text in f"{c.name} {c.title} {c.dataset}".lower()]
    found.sort(key=lambda card: (card.suite == "lm-eval", card.name))
    context = {"cards": found[:TASKS_SHOWN], "count": len(found), "text": text}
    is_partial = request.headers.get("HX-Request") == "true"
    template = "benchmarks/_task_table.html" if is_partial else "benchmarks/task_list.html"
    return render(request, template, context)
