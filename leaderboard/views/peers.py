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
from leaderboard.forms import PeerExaminationForm
from leaderboard.models import PeerExamination
from leaderboard.peers import examination_page, start_peer_examination
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
    form = PeerExaminationForm(request.POST or None, initial=request.GET.dict())
    if request.method == "POST" and form.is_valid():
        try:
            examination = start_peer_examination(
                form.spec(), central_judge=form.central(), created_by=signed_in_user(request)
            )
        except REFUSALS as error:
            form.add_error(None, str(error))
        else:
            return redirect("peer_examination", slug=examination.board.slug)
    return render(request, "leaderboard/peers_new.html", {"form": form})
