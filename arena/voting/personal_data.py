"""Finding personal data in texts: e-mail, network and postal addresses, telephone numbers.

Telephone numbers are recognised by Google's libphonenumber, network addresses by Python's own
parser, e-mail addresses by Django's validator, postal addresses by the rules in ``postal``. No
recogniser is perfect, so a release holds back what it cannot be sure of (see
``release``).
"""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator

from arena.voting.postal import find_postal_addresses

EMAIL, PHONE, POSTAL, NETWORK = "email", "phone", "postal_address", "network_address"
PHONE_REGIONS = ("US", "GB", "CN", "DE", "FR", "IN")
_EMAIL = re.compile(r"[\w.+-]{1,64}@(?:[\w-]{1,63}\.)+[A-Za-z\u4e00-\u9fff]{2,24}")
_NETWORK = re.compile(r"(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f:]{6,39})(?![\w:]|\.\d)")
# libphonenumber's own shortest number has seven digits; looking first spares most texts its search
_COULD_BE_PHONE = re.compile(r"(?:\d[^\w\n]{0,3}){7}")
# bare digits are far more often a number than somebody's; Chinese mobiles are written that way
_PLAIN_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_CHINESE_MOBILE = re.compile(r"(?<!\d)1[3-9]\d{9}(?!\d)")
_is_email = EmailValidator()


@dataclass(frozen=True, slots=True)
class Find:
    """Characters ``start`` to ``end`` are of this kind."""

    start: int
    end: int
    kind: str


def find_personal_data(text: str) -> list[Find]:
    """Without overlaps, in order; where two kinds claim a place the longer claim stands."""
    claims = [*_emails(text), *_networks(text), *_postal(text), *_phones(text)]
    kept: list[Find] = []
    for claim in sorted(claims, key=lambda find: (-(find.end - find.start), find.start)):
        if all(claim.end <= other.start or claim.start >= other.end for other in kept):
            kept.append(claim)
    return sorted(kept, key=lambda find: find.start)


def remove_personal_data(text: str) -> tuple[str, Counter[str]]:
    """The text with ``[email]`` and the like instead, and how many of each kind."""
    finds = find_personal_data(text)
    parts, last = [], 0
    for find in finds:
        parts += [text[last : find.start], f"[{find.kind}]"]
        last = find.end
    return "".join(parts) + text[last:], Counter(find.kind for find in finds)


def _emails(text: str) -> Iterator[Find]:
    for match in _EMAIL.finditer(text):
        try:
            _is_email(match.group())
        except ValidationError:
            continue
        yield Find(match.start(), match.end(), EMAIL)


def _networks(text: str) -> Iterator[Find]:
    for match in _NETWORK.finditer(text):
        try:
            address = ipaddress.ip_address(match.group())
        except ValueError:
            continue
        # 127.0.0.1 and 0.0.0.0 stand in every programming answer and belong to nobody
        if not (address.is_loopback or address.is_unspecified):
            yield Find(match.start(), match.end(), NETWORK)


def _phones(text: str) -> Iterator[Find]:
    if not _COULD_BE_PHONE.search(text):
        return
    import phonenumbers  # a tenth of a second that no start needs

    for region in PHONE_REGIONS:
        for match in phonenumbers.PhoneNumberMatcher(text, region):
            if not _PLAIN_NUMBER.fullmatch(match.raw_string):
                yield Find(match.start, match.end, PHONE)
    for mobile in _CHINESE_MOBILE.finditer(text):
        yield Find(mobile.start(), mobile.end(), PHONE)


def _postal(text: str) -> Iterator[Find]:
    for start, end in find_postal_addresses(text):
        yield Find(start, end, POSTAL)
