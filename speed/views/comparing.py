"""Two levels side by side, and how runs of equal work went over time."""

from __future__ import annotations

from typing import Any  # template contexts

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from arena.access import staff_only
from speed.forms import CompareForm
from speed.selectors import history
from speed.services.comparing import compare_levels
from speed.users_met import DAYS, users_met
from speed.views.words import compared_rows


@staff_only
@require_safe
def speed_compare(request: HttpRequest) -> HttpResponse:
    form = CompareForm(request.GET or None)
    context: dict[str, Any] = {"form": form}
    if form.is_valid():
        a, b = form.cleaned_data["a"], form.cleaned_data["b"]
        sides = compare_levels(a, b)
        context |= {
            "a": a,
            "b": b,
            "sides": sides,
            "compared": compared_rows(sides),
            "is_equal_work": a.run.workload_key == b.run.workload_key,
        }
    return render(request, "speed/compare.html", context)


@staff_only
@require_safe
def speed_history(request: HttpRequest) -> HttpResponse:
    return render(request, "speed/history.html", {"lines": history()})


@staff_only
@require_safe
def speed_users(request: HttpRequest) -> HttpResponse:
    """Live battles' own timings, apart from all measured runs."""
    return render(request, "speed/users.html", {"met": users_met(), "days": DAYS})
