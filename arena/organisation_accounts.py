"""Signing in through an organisation's OpenID Connect provider."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.utils import user_username
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialLogin
from django.contrib.auth.models import User
from django.http import HttpRequest


class OrganisationAccountAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]  # no types
    def populate_user(
        self, request: HttpRequest, sociallogin: SocialLogin, data: Mapping[str, Any]
    ) -> User:
        """Keep the subject, which tells the account, and the wish for a username; nothing else.

        No e-mail is ever sent, so none is stored; nor does one tie a stranger to an account of the
        same address. Rights are given here and never by a claim.
        """
        sociallogin.account.extra_data = {}
        sociallogin.email_addresses = []
        user: User = sociallogin.user
        wish = data.get("username") or ""
        user_username(user, get_adapter().generate_unique_username([wish, "user"]))
        return user
