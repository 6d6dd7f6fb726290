"""Blind voting on stored answers: the page, the next battle, and the vote."""

from __future__ import annotations

from dataclasses import dataclass

import orjson
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from arena.models import Ballot, BallotStatus, InviteRound
from arena.panels import page_panels
from arena.views.voting_rounds import invitation
from arena.voting.casting import (
    BallotError,
    NotJoinedError,
    cast_vote,
    find_ballot,
    own_ballot,
    refusal_of,
    skip_battle,
)
from arena.voting.drawing import Drawing, next_ballot, next_round_ballot
from arena.voting.fragments import (
    ballot_fragment,
    name_fragment,
    progress_fragment,
    reveal_fragment,
)
from arena.voting.pool import EVERYTHING, POOLS, PoolFilter
from arena.voting.presentation import Reveal, reveal, show_ballot
from arena.voting.progress import Progress, progress_of
from arena.voting.rounds import takes_part
from arena.voting.statements import ballot_of_token
from arena.voting.turn import Turn, read_turn
from arena.voting.voters import Visitor, known_visitor, remember, visitor_of

SKIP = "skip"


@dataclass(frozen=True, slots=True)
class _Wish:
    """What the voter asked to be shown; travels in the address of every request."""

    wanted: PoolFilter
    invite: InviteRound | None = None

    @classmethod
    def of(cls, request: HttpRequest) -> _Wish:
        values = request.POST if request.method == "POST" else request.GET
        code = values.get("round", "")
        return cls(
            PoolFilter(category=values.get("category", ""), language=values.get("language", "")),
            get_object_or_404(InviteRound, code=code) if code else None,
        )

    @property
    def closed_round(self) -> InviteRound | None:
        """The staff have closed it; it may be opened again."""
        return self.invite if self.invite is not None and not self.invite.is_open else None

    def is_for(self, visitor: Visitor | None) -> bool:
        """Battles of a round are for those who have joined it."""
        if self.invite is None:
            return True
        return visitor is not None and takes_part(visitor.voter, self.invite)

    @property
    def address(self) -> str:
        """Of the page that shows it."""
        fields = {
            "round": self.invite.code if self.invite else "",
            "category": self.wanted.category,
            "language": self.wanted.language,
        }
        return reverse("vote", query={name: value for name, value in fields.items() if value})

    def draw(self, visitor: Visitor, besides: str = "") -> Ballot | None:
        if self.invite is not None:
            return next_round_ballot(visitor=visitor, invite=self.invite, besides=besides)
        return next_ballot(visitor=visitor, wanted=self.wanted, besides=besides)


@never_cache
@require_safe
def vote(request: HttpRequest) -> HttpResponse:
    """The voter's present battle, in a page."""
    wish = _Wish.of(request)
    known = known_visitor(request)
    if wish.invite and (wish.closed_round or not wish.is_for(known)):
        return redirect("round_join", wish.invite.code)
    visitor = known or visitor_of(request)
    ballot = wish.draw(visitor)
    response = _page(request, visitor, wish, ballot)
    return remember(response, visitor, is_secure=request.is_secure())


@never_cache
@require_safe
def vote_next(request: HttpRequest) -> HttpResponse:
    """The battle after the one on the screen, loaded while that is being read."""
    visitor, wish = known_visitor(request), _Wish.of(request)
    if visitor is None or wish.closed_round or not wish.is_for(visitor):
        return HttpResponse(status=204)
    ballot = wish.draw(visitor, besides=request.GET.get("after", ""))
    return HttpResponse(_ballot_html(request, ballot), status=200 if ballot else 204)


@never_cache
@require_http_methods(["GET", "POST"])
def vote_cast(request: HttpRequest) -> HttpResponse:
    """Take the vote, tell the names, and send the battle after the next one along.

    A page without script that has taken a vote has this address; who asks for it again, to read it
    in another language or from the history, goes on voting.
    """
    if request.method == "GET":
        return redirect(_Wish.of(request).address)
    wanted = request.headers.get("Accept", "")
    wants_json = "application/json" in wanted and "text/html" not in wanted
    wish = _Wish.of(request)
    if wish.closed_round:
        return _closed(wish.closed_round, wants_json=wants_json)
    turn = read_turn(request, request.POST.get("token", ""), request.POST.get("after", ""))
    try:
        if turn is None:
            raise refusal_of(None, ballot_of_token(request.POST.get("token", "")[:64]))
        ballot = own_ballot(turn.visitor, turn.ballot)
        # who holds a battle of the round has joined
        if wish.invite and ballot.round_id != wish.invite.pk and not wish.is_for(turn.visitor):
            raise NotJoinedError(ballot)
        upcoming = _Upcoming(request, turn, ballot, wish) if wants_json else None
        _take(request, turn, ballot, upcoming)
    except BallotError as error:
        return _refusal(request, error, turn.visitor if turn else None, wants_json=wants_json)
    if upcoming is not None:
        return _json(_outcome(request, turn, ballot, upcoming))
    if ballot.status == BallotStatus.SKIPPED:
        return redirect(wish.address)
    return _page(request, turn.visitor, wish, ballot, told=reveal(ballot, turn.others))


@never_cache
@require_safe
def vote_verdicts(request: HttpRequest, token: str) -> HttpResponse:
    """What the judges said, for a battle this visitor has voted on."""
    visitor = known_visitor(request)
    ballot = find_ballot_or_404(visitor, token)
    if ballot.vote_id is None:
        raise Http404
    context = {
        "panels": page_panels("vote_verdicts", ballot.battle, request),
        "reveal": reveal(ballot),
    }
    return render(request, "arena/_vote_verdicts.html", context)


def find_ballot_or_404(visitor: Visitor | None, token: str) -> Ballot:
    try:
        return find_ballot(visitor, token)
    except BallotError as error:
        raise Http404(str(error)) from error


class _Upcoming:
    """The battle to come after a vote, of the voter's round if they are in one."""

    def __init__(self, request: HttpRequest, turn: Turn, ballot: Ballot, wish: _Wish) -> None:
        self.wish, self._visitor = wish, turn.visitor
        self._besides = request.POST.get("after", "") or ballot.token
        self._drawing = Drawing(
            visitor=turn.visitor,
            wanted=wish.wanted,
            besides=self._besides,
            has_open=turn.has_open,
        )

    def propose(self) -> Ballot | None:
        """To be stored along with the vote; a round's battles are stored beforehand."""
        return None if self.wish.invite is not None else self._drawing.propose()

    def ballot(self) -> Ballot | None:
        if self.wish.invite is not None:
            return self.wish.draw(self._visitor, self._besides)
        return self._drawing.ballot()


def _take(request: HttpRequest, turn: Turn, ballot: Ballot, upcoming: _Upcoming | None) -> None:
    choice = request.POST.get("choice", "")
    if choice == SKIP:
        skip_battle(visitor=turn.visitor, ballot=ballot, lately=turn.lately)
        return
    strength = request.POST.get("strength", "")
    cast_vote(
        visitor=turn.visitor,
        ballot=ballot,
        choice=choice,
        strength=int(strength) if strength in {"1", "2", "3"} else None,
        reasons=request.POST.getlist("reasons"),
        lately=turn.lately,
        propose=upcoming.propose if upcoming else lambda: None,
    )


def _outcome(
    request: HttpRequest, turn: Turn, ballot: Ballot, upcoming: _Upcoming
) -> dict[str, object]:
    """What the page needs after a vote: the reveal, thanks, and one more battle in advance."""
    wish = upcoming.wish
    is_voted = ballot.vote_id is not None
    if wish.invite is None:
        is_counted = ballot.vote is not None and not ballot.vote.exclusion
        progress = Progress(turn.votes + is_voted, turn.counted + is_counted)
    else:
        progress = progress_of(turn.visitor.voter, wish.invite)
    answer: dict[str, object] = {}
    if is_voted:
        answer |= _reveal_html(reveal(ballot, turn.others), progress, wish)
    else:
        answer["progress_html"] = progress_fragment(progress)
    following = upcoming.ballot()
    answer["next"] = _ballot_html(request, following) if following else None
    return answer


def _reveal_html(told: Reveal, progress: Progress, wish: _Wish) -> dict[str, object]:
    return {
        "choice": told.choice,
        "left": name_fragment(told.left, "a"),
        "right": name_fragment(told.right, "b"),
        "bar": reveal_fragment(told, wish.address),
        "said": _said(told),
        "progress_html": progress_fragment(progress),
    }


def _json(body: dict[str, object], status: int = 200) -> HttpResponse:
    return HttpResponse(orjson.dumps(body), content_type="application/json", status=status)


def _said(told: Reveal) -> str:
    """The reveal as one sentence, for screen readers."""
    return _("Your vote is stored. Left was {left}, right was {right}.").format(
        left=told.left.display_name, right=told.right.display_name
    )


def _ballot_html(request: HttpRequest, ballot: Ballot | None) -> str:
    if ballot is None:
        return ""
    return ballot_fragment(request, ballot)


def _page(
    request: HttpRequest,
    visitor: Visitor,
    wish: _Wish,
    ballot: Ballot | None,
    *,
    told: Reveal | None = None,
    problem: BallotError | None = None,
) -> HttpResponse:
    context = {
        "ballot": show_ballot(ballot) if ballot else None,
        "reveal": told,
        "verdicts": page_panels("vote_verdicts", told.battle, request) if told else None,
        "problem": problem,
        "progress": progress_of(visitor.voter, wish.invite),
        "invite": wish.invite,
        "wanted": wish.wanted,
        "vote_url": wish.address,
        "is_narrowed": wish.wanted != EVERYTHING,
        "languages": [] if wish.invite else POOLS.languages(),
        "has_consented": visitor.has_consented,
    }
    status = problem.status if problem else 200
    return render(request, "arena/vote.html", context, status=status)


def _refusal(
    request: HttpRequest, error: BallotError, visitor: Visitor | None, *, wants_json: bool
) -> HttpResponse:
    """Say why, tell again what was told before, and offer a way on."""
    ballot = error.ballot
    told = reveal(ballot) if visitor and ballot and ballot.vote_id else None
    wish = _Wish.of(request)
    if not wants_json:
        if wish.invite and not wish.is_for(visitor):
            return invitation(request, wish.invite, visitor, problem=error)
        someone = visitor or visitor_of(request)
        shown = ballot if told else wish.draw(someone)
        page = _page(request, someone, wish, shown, told=told, problem=error)
        return remember(page, someone, is_secure=request.is_secure())
    body: dict[str, object] = {"code": error.code, "text": str(error)}
    if told and visitor:
        body |= _reveal_html(told, progress_of(visitor.voter, wish.invite), wish)
    response = _json(body, status=error.status)
    if error.retry_after_s:
        response["Retry-After"] = str(error.retry_after_s)
    return response


def _closed(invite: InviteRound, *, wants_json: bool) -> HttpResponse:
    """The vote is not taken, and the ballot stays good should the round be opened again."""
    if not wants_json:
        return redirect("round_join", invite.code)
    return _json({"code": "round_closed", "text": _("This round is closed.")}, status=410)
