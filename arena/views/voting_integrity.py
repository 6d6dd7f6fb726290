"""The staff's integrity page: what comes in, what is marked and why, and setting it right."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from arena.access import signed_in_user, staff_only
from arena.models import (
    Battle,
    Exclusion,
    GoldBattle,
    IntegrityAction,
    Vote,
    Voter,
    VotingPolicy,
)
from arena.voting.battle_review import FactError, count_again, leave_out, withdraw_clearance
from arena.voting.control import control_questions, remove_unasked
from arena.voting.integrity import INTEGRITY, integrity_page
from arena.voting.policy import forget_policy
from arena.voting.review import (
    lift_from_voter,
    lift_reason,
    mark_voter,
    mark_votes,
    review_voters,
    set_expert,
)
from arena.voting_forms import GoldForm, PolicyForm

UNASKED = "unasked"  # instead of a number: every control question that nobody is asked


@staff_only
@require_safe
def integrity(request: HttpRequest) -> HttpResponse:
    """The live page; asked by htmx it is the part that changes."""
    if request.headers.get("HX-Request"):
        return render(request, "arena/_vote_integrity.html", integrity_page())
    return _whole_page(request, GoldForm())


def _whole_page(request: HttpRequest, form: GoldForm) -> HttpResponse:
    controls = control_questions()
    context = integrity_page() | {
        "controls": controls,
        "unasked": sum(bool(each.unasked) for each in controls),
        "gold_form": form,
    }
    return render(request, "arena/vote_integrity.html", context)


@staff_only
@require_POST
def integrity_review(request: HttpRequest) -> HttpResponse:
    """Run the tests over all voters now."""
    findings = review_voters()
    INTEGRITY.doubt()
    n = sum(finding.votes_changed for finding in findings)
    messages.success(request, ngettext("{n} vote marked.", "{n} votes marked.", n).format(n=n))
    return redirect("integrity")


@staff_only
@require_POST
def integrity_voter(request: HttpRequest, pk: int) -> HttpResponse:
    """Mark all of a voter's votes, count them again, or say whether the voter is an expert."""
    voter = get_object_or_404(Voter, pk=pk)
    user, act = signed_in_user(request), request.POST.get("act")
    if act in ("expert", "not_expert"):
        set_expert(voter, is_expert=act == "expert")
        messages.success(request, _("Stored."))
        return redirect("integrity")
    if act == "lift":
        n = lift_from_voter(voter, by=user)
    elif act != "mark":
        raise BadRequest(f"act {act!r} is none of expert, not_expert, lift, mark")
    else:
        detail = request.POST.get("detail", "")[:500]
        n = mark_voter(voter, Exclusion.STAFF, detail=detail, by=user).votes_changed
    INTEGRITY.doubt()
    messages.success(request, ngettext("{n} vote changed.", "{n} votes changed.", n).format(n=n))
    return redirect("integrity")


@staff_only
@require_POST
def integrity_reason(request: HttpRequest) -> HttpResponse:
    """Count all votes again that were left out for one reason."""
    reason = request.POST.get("reason", "")
    if reason not in Exclusion.values or reason == Exclusion.CONTROL:
        raise BadRequest(f"reason {reason!r} cannot be lifted from all votes")
    n = lift_reason(Exclusion(reason), by=signed_in_user(request))
    INTEGRITY.doubt()
    messages.success(request, ngettext("{n} vote changed.", "{n} votes changed.", n).format(n=n))
    return redirect("integrity")


@staff_only
@require_POST
def integrity_vote(request: HttpRequest, pk: int) -> HttpResponse:
    """Set or lift the reason of one vote."""
    vote = get_object_or_404(Vote, pk=pk)
    act = request.POST.get("act")
    if act not in ("lift", "mark"):
        raise BadRequest(f"act {act!r} is neither lift nor mark")
    reason = "" if act == "lift" else Exclusion.STAFF
    n = mark_votes([vote], reason, by=signed_in_user(request))
    INTEGRITY.doubt()
    messages.success(request, ngettext("{n} vote changed.", "{n} votes changed.", n).format(n=n))
    return redirect("integrity")


@staff_only
@require_POST
def integrity_battle(request: HttpRequest, pk: int) -> HttpResponse:
    """Leave a battle out, lift the reason it is seen with, or take back that a leak is none."""
    battle = get_object_or_404(Battle, pk=pk)
    user, act = signed_in_user(request), request.POST.get("act")
    if act == "mark":
        done = leave_out(battle, by=user)
    elif act == "lift":
        try:
            done = count_again(battle, reason=_reason_sent(request), by=user)
        except FactError as error:
            raise BadRequest(str(error)) from error
    elif act == "withdraw":
        done = withdraw_clearance(battle, by=user)
    else:
        raise BadRequest(f"act {act!r} is none of mark, lift, withdraw")
    if done is not None:
        INTEGRITY.doubt()
    battle.refresh_from_db()
    messages.success(request, _told(battle, act, done))
    is_from_battle = request.POST.get("back") == "battle"
    return redirect("battle_detail", pk) if is_from_battle else redirect("integrity")


def _reason_sent(request: HttpRequest) -> Exclusion:
    reason = request.POST.get("reason", "")
    if reason not in Exclusion.values:
        raise BadRequest(f"reason {reason!r} is none of {', '.join(Exclusion.values)}")
    return Exclusion(reason)


def _told(battle: Battle, act: str, done: IntegrityAction | None) -> str:
    if done is None:
        state = battle.get_exclusion_display() or _("it counts")
        return _("Nothing was changed. The battle as it is now: {state}.").format(state=state)
    if act == "lift" and battle.exclusion:
        reason = battle.get_exclusion_display()
        return _("The battle is still left out: {reason}.").format(reason=reason)
    n = done.votes_changed
    return ngettext("{n} vote changed.", "{n} votes changed.", n).format(n=n)


@staff_only
@require_POST
def integrity_gold(request: HttpRequest) -> HttpResponse:
    """Make a battle a control question, or no longer one, or none that nobody is asked."""
    if (remove := request.POST.get("remove")) == UNASKED:
        n = remove_unasked()
        told = ngettext("{n} control question removed.", "{n} control questions removed.", n)
        messages.success(request, told.format(n=n))
        return redirect("integrity")
    if remove:
        if not (remove.isascii() and remove.isdigit() and len(remove) < 19):
            raise BadRequest(f"remove {remove!r} is no number of a control question")
        GoldBattle.objects.filter(pk=remove).delete()
        return redirect("integrity")
    form = GoldForm(request.POST)
    if not form.is_valid():
        return _whole_page(request, form)
    form.save()
    messages.success(request, _("Stored."))
    return redirect("integrity")


@staff_only
def voting_policy(request: HttpRequest) -> HttpResponse:
    """How battles are drawn, what is marked, and moderation."""
    form = PolicyForm(request.POST or None, instance=VotingPolicy.current())
    if request.method == "POST" and form.is_valid():
        form.save()
        forget_policy()
        messages.success(request, _("Stored. All processes follow within a few seconds."))
        return redirect("voting_policy")
    return render(request, "arena/vote_policy.html", {"form": form})
