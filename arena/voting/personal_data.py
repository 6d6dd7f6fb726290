"""Finding personal data in texts: addresses of all kinds, telephone numbers, numbers of papers and
accounts.

Telephone numbers are recognised by Google's libphonenumber, network addresses by Python's own
parser, e-mail addresses by Django's validator, postal addresses by the rules in ``postal``, papers
and bank accounts by the check digits in ``numbered``. No recogniser is perfect, so a release holds
back what it cannot be sure of (see ``release``).
"""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator

from arena.voting.numbered import find_bank_accounts, find_papers
from arena.voting.postal import find_postal_addresses

EMAIL, PHONE, POSTAL, NETWORK = "email", "phone", "postal_address", "network_address"
PAPER, BANK, ACCOUNT = "id_number", "bank_account", "account"
PHONE_REGIONS = ("US", "GB", "CN", "DE", "FR", "IN")
_EMAIL = re.compile(
    r"[a-zA-Z0-9.!#$%&'*+/=?^_{|}~-]{1,64}@(?:[a-zA-Z0-9-]{1,63}\.)+[a-zA-Z]{2,24}(?![\w(])"
    r"|[\w.+-]{1,64}@(?:[\w-]{1,63}\.)+(?:[a-zA-Z]{2,24}|xn--[a-zA-Z0-9-]{2,24}|[\u4e00-\u9fff]{2,4})"
    r"(?![\w(])"
)
_SPELT_EMAIL = re.compile(
    r"[\w.+-]{1,64}\s?[(\[{]\s?at\s?[)\]}]\s?[\w-]{1,63}"
    r"(?:\s?(?:[(\[{]\s?dot\s?[)\]}]|\.)\s?[\w-]{2,63}){1,4}",
    re.IGNORECASE,
)
_COULD_BE_SPELT = re.compile(r"[(\[{]\s?at", re.IGNORECASE)
_NETWORK = re.compile(
    r"(?<![a-zA-Z0-9_.])(?:\d{1,3}(?:\.\d{1,3}){3}(?![a-zA-Z0-9_]|\.\d)"
    r"|(?<!:)[0-9A-Fa-f:]{6,39}(?![a-zA-Z0-9_:]|\.\d))"
)
_IS_OF_A_VERSION = re.compile(r"(?:version|release|版本号?|\bv)[.:]?\s?\Z", re.IGNORECASE)
# libphonenumber's own shortest number has seven digits; looking first spares most texts its search
_COULD_BE_PHONE = re.compile(r"(?:\d[^\w\n]{0,3}){7}")
# bare digits are far more often a number than somebody's; Chinese mobiles are written that way
_PLAIN_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_CHINESE_MOBILE = re.compile(
    r"(?<![\d.])(?:86)?1[3-9]\d{9}(?!\d)"
    r"|(?<![零〇一二三四五六七八九])[一幺][三四五六七八九][零〇一二三四五六七八九幺]{9}(?![零〇一二三四五六七八九])"
)
_INTERNATIONAL = re.compile(
    r"(?<![a-zA-Z0-9+.,])(?:\+|00)[1-9](?:[ ()-]{0,2}\d){7,14}(?![\d.,]*\d)"
)
_SAID_TO_BE_PHONE = re.compile(
    r"(?:\b(?:phone|telephone|tel|call|cell|mobile|fax|whatsapp)\b|电话|手机|座机|联系方式|致电|拨打)",
    re.IGNORECASE,
)
_BARE_PHONE = re.compile(r"(?<![\w.,])\d{7,12}(?![\w]|[.,]\d)", re.ASCII)
MOST_TRIES = 500  # numbers that turn out to be none; each costs a tenth of a millisecond
NEAR = 24  # characters within which a word tells what a number is
_MESSENGER = re.compile(
    r"(?:QQ|微信|wechat)\s?(?:(?:号码?|id)?\s?[:：是为]?\s?([1-9]\d{4,10})(?!\w)"
    r"|(?:号码?|id|(?=[:：]))\s?[:：是为]?\s?([a-z][\w-]{5,19})(?![\w-]))",
    re.IGNORECASE | re.ASCII,
)
# Chinese needs no space around a Latin word; with a comma for each character the word stands alone
_CJK = re.compile("[\u2e80-\u9fff]")
# the same number of characters, so that places stay what they are
_NARROW = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}
_is_email = EmailValidator()


@dataclass(frozen=True, slots=True)
class Find:
    """Characters ``start`` to ``end`` are of this kind."""

    start: int
    end: int
    kind: str


def find_personal_data(text: str) -> list[Find]:
    """Without overlaps, in order; where two kinds claim a place the longer claim stands."""
    text = text.translate(_NARROW) if not text.isascii() else text
    latin = _CJK.sub("\u3001", text)
    claims = [
        *_emails(text, latin),
        *_networks(text, latin),
        *_postal(text),
        *(_postal(latin) if latin != text else ()),
        *_phones(text, latin),
        *(Find(start, end, PAPER) for start, end in find_papers(text)),
        *(Find(start, end, BANK) for start, end in find_bank_accounts(text)),
        *(Find(*match.span(match.lastindex or 0), ACCOUNT) for match in _MESSENGER.finditer(text)),
    ]
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


def _emails(text: str, latin: str) -> Iterator[Find]:
    if "@" not in text and not _COULD_BE_SPELT.search(text):
        return
    for match in chain(_EMAIL.finditer(latin), _EMAIL.finditer(text) if latin != text else ()):
        try:
            _is_email(match.group())
        except ValidationError:
            continue
        yield Find(match.start(), match.end(), EMAIL)
    for match in _SPELT_EMAIL.finditer(latin):
        yield Find(match.start(), match.end(), EMAIL)


def _networks(text: str, latin: str) -> Iterator[Find]:
    for match in _NETWORK.finditer(latin):
        try:
            address = ipaddress.ip_address(match.group())
        except ValueError:
            continue
        # 127.0.0.1 and 0.0.0.0 stand in every programming answer and belong to nobody
        is_nobodys = address.is_loopback or address.is_unspecified
        if not is_nobodys and not _IS_OF_A_VERSION.search(text[: match.start()][-12:]):
            yield Find(match.start(), match.end(), NETWORK)


def _phones(text: str, latin: str) -> Iterator[Find]:
    if not _COULD_BE_PHONE.search(text):
        for spelt in _CHINESE_MOBILE.finditer(text):
            yield Find(spelt.start(), spelt.end(), PHONE)
        return
    import phonenumbers  # a tenth of a second that no start needs

    for region in PHONE_REGIONS:
        for match in phonenumbers.PhoneNumberMatcher(latin, region, max_tries=MOST_TRIES):
            if not _is_plain_number(match.raw_string):
                yield Find(match.start, match.end, PHONE)
    for pattern in (_CHINESE_MOBILE, _INTERNATIONAL):
        for number in pattern.finditer(text):
            yield Find(number.start(), number.end(), PHONE)
    for bare in _BARE_PHONE.finditer(text):
        near = slice(max(bare.start() - NEAR, 0), bare.end() + NEAR)
        if _SAID_TO_BE_PHONE.search(text[near]) or _SAID_TO_BE_PHONE.search(latin[near]):
            yield Find(bare.start(), bare.end(), PHONE)


def _is_plain_number(found: str) -> bool:
    """Or a row of single digits, as in a list."""
    is_row = len(re.findall(r"(?<!\d)\d(?!\d)", found)) > 4
    return is_row or _PLAIN_NUMBER.fullmatch(found.strip("() ")) is not None


def _postal(text: str) -> Iterator[Find]:
    for start, end in find_postal_addresses(text):
        yield Find(start, end, POSTAL)
