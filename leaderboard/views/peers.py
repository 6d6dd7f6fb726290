"""Peer examinations: starting one, and its ranking beside the central judge's."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from arena.access import signed_in_user, staff_only
from arena.calling import NotCallableError
from judging.budget import BudgetError
from judging.judges import JudgeSettingsError
from judging.prompts import PromptError
from judging.services.ledger import JudgeRunError
from judging.services.peers import PeerPlan, plan_peers
from leaderboard.forms import PeerExaminationForm
from leaderboard.models import PeerExamination
from leaderboard.peers import examination_page, examination_runs, start_peer_examination
from leaderboard.views.asking import visible_board

REFUSALS = (JudgeRunError, JudgeSettingsError, PromptError, BudgetError, NotCallableError)


@require_safe
def peer_examination(request: HttpRequest, slug: str) -> HttpResponse:
    board = visible_board(request, slug)
    found = get_object_or_404(
        PeerExamination.objects.select_related("board", "central_board"), board=board
    )
    page = examination_page(found)
    return render(request, "leaderboard/peers.html", {"board": board, "page": page})


@staff_only
@require_http_methods(["GET", "HEAD", "POST"])
def peer_examination_new(request: HttpRequest) -> HttpResponse:
    """The form; its second button, for browsers without scripts, shows the plan only."""
    form = PeerExaminationForm(request.POST or None, initial=request.GET.dict())
    plan = None
    if request.method == "POST" and form.is_valid():
        if "show_plan" in request.POST:
            plan = _plan(form)
        else:
            try:
                examination = start_peer_examination(
                    form.spec(), central_judge=form.central(), created_by=signed_in_user(request)
                )
            except REFUSALS as error:
                form.add_error(None, str(error))
            else:
                return redirect("peer_examination", slug=examination.board.slug)
    return render(request, "leaderboard/peers_new.html", {"form": form, "plan": plan})


@staff_only
@require_safe
def peer_examination_plan(request: HttpRequest) -> HttpResponse:
    """What the examination that is being filled in would take; asked for at every change."""
    form = PeerExaminationForm(request.GET)
    plan = _plan(form) if form.is_valid() else None
    return render(request, "leaderboard/_peer_plan.html", {"form": form, "plan": plan})


def _plan(form: PeerExaminationForm) -> PeerPlan | None:
    central = form.central(is_starting=False)
    try:
        return plan_peers(examination_runs(form.spec(), central, is_planned=True))
    except REFUSALS as error:
        form.add_error(None, str(error))
        return None
