"""Pages on which something is started after seeing what it takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django import forms
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from arena.access import signed_in_user
from arena.calling import NotCallableError
from arena.services.generation import EmptyRunError
from judging.budget import BudgetError
from judging.judges import JudgeSettingsError
from judging.prompts import PromptError
from judging.services.ledger import JudgeRunError

# what a form that is well filled in may still not make: told at its head
REFUSALS = (
    *(JudgeRunError, BudgetError, JudgeSettingsError, PromptError),
    *(NotCallableError, EmptyRunError),
)
AnyForm = TypeVar("AnyForm", bound=forms.Form)


@dataclass(frozen=True, slots=True)
class PlannedStart(Generic[AnyForm]):
    """``plan`` tells what the filled-in form would take; ``start`` starts it and says where it is.

    ``page`` is the template of the form, ``part`` that of the plan alone.
    """

    form: type[AnyForm]
    plan: Callable[[AnyForm], object]
    start: Callable[[AnyForm, User | None], str]
    page: str
    part: str

    def show(self, request: HttpRequest) -> HttpResponse:
        """The form; its second button, for browsers without scripts, shows the plan only."""
        form = self.form(request.POST or None, initial=request.GET.dict())
        plan = None
        if request.method == "POST" and form.is_valid():
            if "show_plan" in request.POST:
                plan = self._refusable(form, self.plan)
            elif address := self._refusable(form, lambda f: self.start(f, signed_in_user(request))):
                return redirect(address)
        return render(request, self.page, {"form": form, "plan": plan})

    def show_plan(self, request: HttpRequest) -> HttpResponse:
        """What the form that is being filled in would take; asked for at every change."""
        form = self.form(request.GET)
        plan = self._refusable(form, self.plan) if form.is_valid() else None
        return render(request, self.part, {"form": form, "plan": plan})

    def _refusable(self, form: AnyForm, make: Callable[[AnyForm], Any]) -> Any:  # a plan, or a str
        try:
            return make(form)
        except REFUSALS as error:
            form.add_error(None, str(error))
            return None
