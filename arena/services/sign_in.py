"""The first administrator of an embedded arena signs in by a link printed in the terminal.

Whoever can read the terminal owns the machine and its database file, so the link gives away
nothing they do not have. It is offered only in the embedded way of running.
"""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import User
from django.core.signing import BadSignature, TimestampSigner
from django.urls import reverse

LINK_VALID_S = 24 * 3600
ADMINISTRATOR = "admin"
_SALT = "agon.sign-in"


class InvalidSignInLinkError(ValueError):
    """The link is forged, too old, or this arena does not offer it."""


def administrator_link() -> str:
    """Path of a link that signs in the administrator, who is created when there is none."""
    user, is_new = User.objects.get_or_create(
        username=ADMINISTRATOR, defaults={"is_staff": True, "is_superuser": True}
    )
    if is_new:
        user.set_unusable_password()
        user.save(update_fields=["password"])
    token = TimestampSigner(salt=_SALT).sign(str(user.pk))
    return reverse("sign_in_by_link", args=[token])


def user_of_link(token: str) -> User:
    """The user a link signs in; raises InvalidSignInLinkError."""
    if not settings.IS_EMBEDDED:
        raise InvalidSignInLinkError("Sign-in links are for arenas run with `make run` only.")
    try:
        pk = TimestampSigner(salt=_SALT).unsign(token, max_age=LINK_VALID_S)
    except BadSignature:
        raise InvalidSignInLinkError(
            "This sign-in link is not valid any more; start `make run` again for a new one."
        ) from None
    return User.objects.get(pk=pk, is_active=True)
