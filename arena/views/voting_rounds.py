"""Staff make closed rounds and watch their progress; annotators follow a link."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from arena.access import signed_in_user, staff_only
from arena.models import InviteRound, LanguageModel, QuestionSet
from arena.models.question import LIVE_SET
from arena.panels import page_panels
from arena.voting.casting import BallotError
from arena.voting.rounds import (
    EmptyRoundError,
    create_round,
    delete_round,
    join_round,
    own_progress,
    round_progress,
    takes_part,
)
from arena.voting.voters import Visitor, known_visitor, remember, visitor_of


class RoundForm(forms.Form):
    title = forms.CharField(max_length=200, label=_("Title"))
    category = forms.CharField(
        max_length=100,
        required=False,
        label=_("Category"),
        help_text=_("Only questions of this category; empty for all."),
    )
    question_set = forms.ModelChoiceField(
        QuestionSet.objects.exclude(slug=LIVE_SET), label=_("Question set")
    )
    language_models = forms.ModelMultipleChoiceField(LanguageModel.objects.all(), label=_("Models"))
    battles = forms.IntegerField(min_value=1, max_value=2000, initial=50, label=_("Battles"))
    seed = forms.IntegerField(
        min_value=0,
        max_value=2**31 - 1,
        required=False,
        label=_("Seed"),
        help_text=_(
            "Empty for a draw of its own. For the same battles as in an earlier round enter its "
            "seed, with the same set, models, category and number."
        ),
    )
    instructions = forms.CharField(
        widget=forms.Textarea, required=False, label=_("What annotators should look at")
    )
    is_expert_round = forms.BooleanField(required=False, label=_("Whoever joins is an expert"))


@staff_only
def round_list(request: HttpRequest) -> HttpResponse:
    """All rounds, and the form for a new one."""
    form = RoundForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = create_round(**form.cleaned_data, created_by=signed_in_user(request))
            return redirect("round_detail", made.pk)
        except EmptyRoundError as error:
            form.add_error("language_models", str(error))
    context = {"form": form, "rounds": InviteRound.objects.with_sizes().order_by("-id")}
    return render(request, "arena/vote_rounds.html", context)


@staff_only
@require_safe
def round_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """The link to hand out, and how far each annotator has come."""
    invite = get_object_or_404(InviteRound, pk=pk)
    total = invite.assignments.count()
    rows = [(row, row.percent_of(total)) for row in round_progress(invite)]
    context = {
        "invite": invite,
        "rows": rows,
        "total": total,
        "link": request.build_absolute_uri(reverse("round_join", args=[invite.code])),
        "panels": page_panels("round_detail", invite, request),
    }
    return render(request, "arena/vote_round.html", context)


@staff_only
@require_POST
def round_toggle(request: HttpRequest, pk: int) -> HttpResponse:
    """Open or close a round."""
    invite = get_object_or_404(InviteRound, pk=pk)
    InviteRound.objects.filter(pk=pk).update(is_open=not invite.is_open)
    messages.success(request, _("Closed.") if invite.is_open else _("Open."))
    return redirect("round_detail", pk)


@staff_only
@require_POST
def round_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Remove a round; its votes stay."""
    invite = get_object_or_404(InviteRound, pk=pk)
    delete_round(invite)
    messages.success(request, _("Deleted. The votes given in it stay."))
    return redirect("round_list")


@never_cache
@require_http_methods(["GET", "POST"])
def round_join(request: HttpRequest, code: str) -> HttpResponse:
    """The invite link: what it is about, under which name, and begin; a second visit goes on."""
    invite = get_object_or_404(InviteRound, code=code)
    if not invite.is_open:
        return render(request, "arena/vote_round_closed.html", {"invite": invite}, status=410)
    visitor = known_visitor(request)
    is_known = visitor is not None and takes_part(visitor.voter, invite)
    if request.method == "GET" and not is_known:
        return invitation(request, invite, visitor)
    visitor = visitor or visitor_of(request)
    if not is_known:
        join_round(visitor, invite, name=request.POST.get("name", ""))
    response = redirect(f"{reverse('vote')}?round={invite.code}")
    return remember(response, visitor, is_secure=request.is_secure())


def invitation(
    request: HttpRequest,
    invite: InviteRound,
    visitor: Visitor | None,
    *,
    problem: BallotError | None = None,
) -> HttpResponse:
    """What the round is about, for whoever has not joined; ``problem`` is what brought them here
    instead of a vote.
    """
    context = {
        "invite": invite,
        "total": invite.assignments.count(),
        "before": own_progress(invite, visitor.voter).before if visitor else 0,
        "problem": problem,
    }
    status = problem.status if problem else 200
    return render(request, "arena/vote_join.html", context, status=status)
