"""The staff console: what can be started, and the form that starts answer generation."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from arena.access import signed_in_user, staff_only
from arena.calling import NotCallableError
from arena.console import console_page
from arena.forms import GenerationForm
from arena.services.generation import EmptyRunError, start_generation


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
    return render(request, "console/generate.html", {"form": form})
