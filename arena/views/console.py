"""The staff console: what can be started, and the form that starts answer generation."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from arena.access import signed_in_user, staff_only
from arena.calling import NotCallableError
from arena.console import console_page
from arena.forms import GenerationForm, UploadForm
from arena.models import LanguageModel
from arena.services.generation import EmptyRunError, start_generation
from arena.uploading import import_uploads


@staff_only
@require_safe
def console(request: HttpRequest) -> HttpResponse:
    return render(request, "console/console.html", console_page())


@staff_only
def generate_answers(request: HttpRequest) -> HttpResponse:
    form = GenerationForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            run = start_generation(**form.arguments(), created_by=signed_in_user(request))
        except (NotCallableError, EmptyRunError) as error:
            form.add_error(None, str(error))
        else:
            return redirect("run_detail", kind="generation", run_id=run.pk)
    can_call = LanguageModel.objects.active().callable().exists()
    return render(request, "console/generate.html", {"form": form, "can_call": can_call})


@staff_only
def import_upload(request: HttpRequest) -> HttpResponse:
    """Files from the browser; the report names every row that was refused."""
    form = UploadForm(request.POST or None, request.FILES or None)
    files: list[Any] = []  # JSON
    if request.method == "POST" and form.is_valid():
        report = import_uploads(**form.arguments())
        files = [file.as_json() for file in report.files]
        form = UploadForm() if report.is_complete else form
    return render(request, "console/import.html", {"form": form, "files": files})
