"""Who is voting: a browser known by a random cookie, of which only a keyed hash is stored.

A browser speaks for an account only while somebody is signed in there. After signing out its cookie
names nobody, until they sign in again; opening a page to vote on then makes a new visitor of it.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import dataclass

from django.contrib.auth.models import AnonymousUser, User
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from arena.models import Voter, VoterSession
from arena.voting.keys import address_key, session_key
from arena.voting.merging import merge_voter
from arena.voting.statements import session_of_key

COOKIE = "agon_voter"
COOKIE_LASTS_S = 365 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Visitor:
    """A voter in one browser. ``new_cookie`` is set when the browser is to be told one."""

    voter: Voter
    session: VoterSession
    address_key: str = ""
    new_cookie: str = ""

    @property
    def has_consented(self) -> bool:
        return self.session.consented_at is not None


def known_visitor(request: HttpRequest) -> Visitor | None:
    """The visitor if their browser has been here before, and has not signed out since; creates
    nothing.
    """
    return visitor_of_cookie(
        request.COOKIES.get(COOKIE, ""), user_of(request), request.META.get("REMOTE_ADDR", "")
    )


def visitor_of_cookie(
    cookie: str, user: User | AnonymousUser | None, address: str
) -> Visitor | None:
    """As ``known_visitor``, for sockets, which have no request."""
    if not cookie:
        return None
    session = session_of_key(session_key(cookie))
    if session is None:
        return None
    return visitor_of_session(session, user, address_key(address))


def visitor_of_guest(key: str, user_id: int | None, address: str) -> Visitor | None:
    """One whose browser speaks to another web process: ``key`` is the session's, ``address`` its
    keyed hash.
    """
    session = session_of_key(key)
    if session is None:
        return None
    user = None if user_id is None else User.objects.filter(pk=user_id).first()
    return visitor_of_session(session, user, address)


def visitor_of_session(
    session: VoterSession, user: User | AnonymousUser | None, address: str
) -> Visitor | None:
    """None where the browser's votes are an account's and nobody is signed in; ``address`` is its
    keyed hash.
    """
    voter = _voter_of_user(session, user)
    return None if voter is None else Visitor(voter, session, address)


def is_of_an_account(request: HttpRequest) -> bool:
    """Whether this browser's votes are an account's, whoever is signed in."""
    key = session_key(request.COOKIES.get(COOKIE, ""))
    return VoterSession.objects.filter(key=key, voter__user__isnull=False).exists()


def has_signed_out(visitor: Visitor | None, voter_id: int | None) -> bool:
    """Whether nobody's account asks for what was handed out to this voter, who has one."""
    if voter_id is None or (visitor is not None and visitor.voter.user_id is not None):
        return False
    return Voter.objects.filter(pk=voter_id, user__isnull=False).exists()


def visitor_of(request: HttpRequest) -> Visitor:
    """The visitor, made known if they are new; pass the answer to ``remember``."""
    return known_visitor(request) or new_visitor(
        user_of(request), request.META.get("REMOTE_ADDR", "")
    )


@transaction.atomic
def new_visitor(user: User | AnonymousUser | None, address: str) -> Visitor:
    cookie = secrets.token_urlsafe(24)
    key = session_key(cookie)
    own = Voter.objects.filter(user=user).first() if isinstance(user, User) else None
    voter = own or Voter.objects.create(key=key, user=user if isinstance(user, User) else None)
    session = VoterSession.objects.create(key=key, voter=voter)
    return Visitor(voter, session, address_key(address), cookie)


def remember(response: HttpResponse, visitor: Visitor, *, is_secure: bool) -> HttpResponse:
    if visitor.new_cookie:
        response.set_cookie(
            COOKIE,
            visitor.new_cookie,
            max_age=COOKIE_LASTS_S,
            httponly=True,
            samesite="Lax",
            secure=is_secure,
        )
    return response


def free_browsers(users: Collection[User]) -> None:
    """Before accounts are deleted: their voters stay, and no browser is to speak for them.

    Nobody would have to sign in any more where one of them was signed in once.
    """
    VoterSession.objects.filter(voter__user__in=users).delete()


def give_consent(visitor: Visitor) -> None:
    """Kept with the first time only."""
    VoterSession.objects.filter(pk=visitor.session.pk, consented_at__isnull=True).update(
        consented_at=timezone.now()
    )


def user_of(request: HttpRequest) -> User | AnonymousUser | None:
    return getattr(request, "user", None)


def _voter_of_user(session: VoterSession, user: User | AnonymousUser | None) -> Voter | None:
    """After signing in: this browser's voter becomes the account's, or part of it.

    A browser that somebody else signed in with before keeps nothing of theirs.
    """
    if not isinstance(user, User):
        return session.voter if session.voter.user_id is None else None
    if session.voter.user_id == user.pk:
        return session.voter
    own = Voter.objects.filter(user=user).first()
    if own is None and session.voter.user_id is None:
        own = session.voter
        own.user = user
        try:
            with transaction.atomic():
                own.save(update_fields=["user"])
        except IntegrityError:
            own = Voter.objects.get(user=user)
    own = own or Voter.objects.create(key=f"user-{session.key}", user=user)
    if session.voter_id != own.pk:
        merge_voter(anonymous=session.voter, account=own)
        VoterSession.objects.filter(pk=session.pk).update(voter=own)
        session.voter = own
    return own
