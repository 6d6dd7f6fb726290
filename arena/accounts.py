"""Accounts are optional; whether strangers may open one is a setting."""

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.http import HttpRequest

from arena.voting.keys import address_key


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return bool(settings.ACCOUNTS_OPEN)

    def get_client_ip(self, request: HttpRequest) -> str:
        """What limits of tries go by, whose counts lie in Redis: the hash, never the address."""
        return address_key(request.META.get("REMOTE_ADDR", "")) or "unknown"
