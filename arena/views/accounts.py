"""Signing in by the link that `make run` prints."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_safe

from arena.services.sign_in import InvalidSignInLinkError, user_of_link


@require_safe
def sign_in_by_link(request: HttpRequest, token: str) -> HttpResponse:
    try:
        user = user_of_link(token)
    except InvalidSignInLinkError as error:
        messages.error(request, str(error))
        return redirect("login")
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    return redirect("console")
