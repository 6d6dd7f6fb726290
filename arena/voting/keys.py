"""Keyed hashes: the same browser or address is recognised, and nobody can tell which it was."""

from __future__ import annotations

import hashlib
import hmac
from functools import lru_cache

from django.conf import settings


@lru_cache(maxsize=8)
def _key(purpose: str, secret: str) -> bytes:
    return hashlib.sha256(f"agon.{purpose}:{secret}".encode()).digest()


def keyed_hash(purpose: str, value: str) -> str:
    """128 bits of HMAC-SHA256 in hex; without SECRET_KEY it cannot be computed or searched."""
    key = _key(purpose, settings.SECRET_KEY)
    return hmac.new(key, value.encode(), hashlib.sha256).hexdigest()[:32]


def session_key(cookie: str) -> str:
    return keyed_hash("voter-session", cookie)


def address_key(address: str) -> str:
    """Empty for an unknown address, so that unknown ones are never lumped together."""
    return keyed_hash("voter-address", address) if address else ""
