"""Peer examinations: starting one, and its ranking beside the central judge's."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from arena.access import staff_only
from judging.services.peers import PeerPlan, plan_peers
from judging.views.planned import PlannedStart
from leaderboard.forms import PeerExaminationForm
from leaderboard.models import PeerExamination
from leaderboard.peers import examination_page, examination_runs, start_peer_examination
from leaderboard.views.asking import visible_board


@require_safe
def peer_examination(request: HttpRequest, slug: str) -> HttpResponse:
    board = visible_board(request, slug)
    found = get_object_or_404(
        PeerExamination.objects.select_related("board", "central_board"), board=board
    )
    page = examination_page(found)
    return render(request, "leaderboard/peers.html", {"board": board, "page": page})


def _plan(form: PeerExaminationForm) -> PeerPlan:
    central = form.central(is_starting=False)
    return plan_peers(examination_runs(form.spec(), central, is_planned=True))


def _start(form: PeerExaminationForm, user: User | None) -> str:
    made = start_peer_examination(form.spec(), central_judge=form.central(), created_by=user)
    return reverse("peer_examination", kwargs={"slug": made.board.slug})


NEW_EXAMINATION = PlannedStart(
    form=PeerExaminationForm,
    plan=_plan,
    start=_start,
    page="leaderboard/peers_new.html",
    part="leaderboard/_peer_plan.html",
)
peer_examination_new = staff_only(
    require_http_methods(["GET", "HEAD", "POST"])(NEW_EXAMINATION.show)
)
peer_examination_plan = staff_only(require_safe(NEW_EXAMINATION.show_plan))
