"""Django's CSRF token with its mask drawn at once.

Django asks the system for each of the mask's 32 characters, and each time lets another thread have
the interpreter: on the path of a vote more than reading a battle costs.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice
from typing import Final

from django.http import HttpRequest
from django.middleware.csrf import CSRF_ALLOWED_CHARS, CSRF_SECRET_LENGTH, get_token

_SIZE: Final = len(CSRF_ALLOWED_CHARS)
_PLACE: Final = {letter: place for place, letter in enumerate(CSRF_ALLOWED_CHARS)}
_FAIR: Final = 256 - 256 % _SIZE  # bytes from here on would favour the first characters


def masked_token(request: HttpRequest) -> str:
    """What ``get_token`` gives, as random as that: a mask, and the secret shifted by it."""
    secret = request.META.get("CSRF_COOKIE")
    if secret is None or len(secret) != CSRF_SECRET_LENGTH:
        return get_token(request)
    request.META["CSRF_COOKIE_NEEDS_UPDATE"] = True
    mask = list(islice(_random_places(), CSRF_SECRET_LENGTH))
    shifted = (_PLACE[letter] + by for letter, by in zip(secret, mask, strict=True))
    return "".join(
        [CSRF_ALLOWED_CHARS[place % _SIZE] for place in (*mask, *shifted)],
    )


def _random_places() -> Iterator[int]:
    while True:
        yield from (byte % _SIZE for byte in os.urandom(64) if byte < _FAIR)
