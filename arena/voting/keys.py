"""Keyed hashes: the same browser or address is recognised, and nobody can tell which it was."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from functools import lru_cache

from django.conf import settings

IPV6_PREFIX = 64  # RFC 6177: no subscriber gets less


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
    return keyed_hash("voter-address", _subscriber(address)) if address else ""


@lru_cache(maxsize=1024)
def _subscriber(address: str) -> str:
    """What one line is given: an IPv4 address, or the IPv6 network of which a single computer may
    take any of 2^64 addresses.
    """
    try:
        known = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(known, ipaddress.IPv6Address):
        mapped = known.ipv4_mapped
        return str(mapped or ipaddress.ip_network((known, IPV6_PREFIX), strict=False))
    return str(known)
