"""Console pages for endpoints and models: where, with which key, and whether it answers."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from arena.access import staff_only
from arena.calling import NotCallableError
from arena.models import Endpoint, LanguageModel
from arena.selectors.setup import listed_endpoints, models_to_set_up
from arena.services.setup import Trial, add_offered_models, offered_models, try_model
from arena.setup_forms import EndpointForm, LanguageModelForm

Params = ParamSpec("Params")
View = Callable[Concatenate[HttpRequest, Params], HttpResponseBase]


def may(permission: str) -> Callable[[View[Params]], View[Params]]:
    """Staff with ``permission``: an endpoint holds a key, and calling it costs money."""

    def decorate(view: View[Params]) -> View[Params]:
        @wraps(view)
        def guarded(
            request: HttpRequest, /, *args: Params.args, **kwargs: Params.kwargs
        ) -> HttpResponseBase:
            if not request.user.has_perm(permission):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        return staff_only(guarded)

    return decorate


@staff_only
@require_safe
def model_setup(request: HttpRequest) -> HttpResponse:
    context = {"endpoints": listed_endpoints(), "models": models_to_set_up()}
    return render(request, "console/setup.html", context)


@may("arena.change_endpoint")
def endpoint_edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    endpoint = get_object_or_404(Endpoint.objects.defer("api_key"), pk=pk) if pk else None
    form = EndpointForm(request.POST or None, instance=endpoint)
    if request.method == "POST" and form.is_valid():
        saved = form.save()
        messages.success(request, _("%(name)s is saved.") % {"name": saved})
        return redirect("endpoint_edit", pk=saved.pk)
    return render(request, "console/endpoint.html", {"form": form, "endpoint": endpoint})


@may("arena.change_endpoint")
@require_POST
def endpoint_offers(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask the endpoint what it serves; the list comes with a box per model."""
    endpoint = get_object_or_404(Endpoint, pk=pk)
    context: dict[str, Any] = {"endpoint": endpoint, "is_asked": True}
    try:
        context["names"], context["trial"] = offered_models(endpoint=endpoint)
    except NotCallableError as error:
        context["trial"] = Trial(failure="not_callable", detail=str(error))
    if request.htmx:  # type: ignore[attr-defined]  # django-htmx puts it there
        return render(request, "console/_offers.html", context)
    form = EndpointForm(instance=endpoint)
    return render(request, "console/endpoint.html", context | {"form": form})


@may("arena.change_languagemodel")
@require_POST
def endpoint_take(request: HttpRequest, pk: int) -> HttpResponse:
    """Add the chosen ones of the models that an endpoint serves."""
    endpoint = get_object_or_404(Endpoint, pk=pk)
    added = add_offered_models(endpoint=endpoint, names=request.POST.getlist("names"))
    told = ngettext("%(n)d model is set up.", "%(n)d models are set up.", len(added))
    messages.success(request, told % {"n": len(added)})
    return redirect("model_setup")


@may("arena.change_languagemodel")
def model_edit(request: HttpRequest, slug: str | None = None) -> HttpResponse:
    model = get_object_or_404(LanguageModel, slug=slug) if slug else None
    initial = {"endpoint": request.GET.get("endpoint")}
    form = LanguageModelForm(request.POST or None, instance=model, initial=initial)
    if request.method == "POST" and form.is_valid():
        saved = form.save()
        messages.success(request, _("%(name)s is saved.") % {"name": saved})
        return redirect("model_edit", slug=saved.slug)
    shown = LanguageModel.objects.get(pk=model.pk) if model else None  # not half-edited
    return render(request, "console/model.html", {"form": form, "model": shown})


@may("arena.change_languagemodel")
@require_POST
def model_try(request: HttpRequest, slug: str) -> HttpResponse:
    """One short question to a model, to see that it answers."""
    model = get_object_or_404(LanguageModel, slug=slug)
    try:
        trial = try_model(model=model)
    except NotCallableError as error:
        trial = Trial(failure="not_callable", detail=str(error))
    if request.htmx:  # type: ignore[attr-defined]  # django-htmx puts it there
        return render(request, "console/_trial.html", {"trial": trial})
    context = {"form": LanguageModelForm(instance=model), "model": model, "trial": trial}
    return render(request, "console/model.html", context)
