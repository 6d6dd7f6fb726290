"""Passwords cannot be guessed one after the other: who fails too often has to wait."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.forms import AuthenticationForm
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from arena.voting.keys import address_key, keyed_hash

FAILURES_PER_NAME = 10  # from one address, so that nobody can lock somebody else out
FAILURES_PER_ADDRESS = 60
WITHIN_S = 300


class LimitedSignIn(AuthenticationForm):
    """Counts failures, in the cache, from the first of them on. What is right is not tried either
    while the name or the address has to wait.
    """

    def clean(self) -> dict[str, Any]:
        limits = _limits(self.request, self.cleaned_data.get("username") or "")
        if any(cache.get(key, 0) >= limit for key, limit in limits.items()):
            raise ValidationError(
                _("Too many failed attempts. Try again in five minutes."), code="too_many_attempts"
            )
        try:
            cleaned = super().clean()
        except ValidationError:
            for key in limits:
                cache.add(key, 0, timeout=WITHIN_S)
                cache.incr(key)
            raise
        cache.delete(next(iter(limits)))
        return cleaned


class LimitedAdminSignIn(LimitedSignIn, AdminAuthenticationForm):
    """The same at the admin's door."""


def _limits(request: HttpRequest | None, name: str) -> dict[str, int]:
    """By key, that of the name first."""
    address = address_key(request.META.get("REMOTE_ADDR", "") if request else "")
    named = keyed_hash("sign-in", f"{address} {name.casefold()}")
    return {
        f"sign-in-failures:{named}": FAILURES_PER_NAME,
        f"sign-in-failures:address:{address}": FAILURES_PER_ADDRESS,
    }
