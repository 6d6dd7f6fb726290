"""Numbers that stand for a person: papers and bank accounts, told from others by check digits.

Where a number has no check digit, or was typed wrong, a word before it must say what it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

Span = tuple[int, int]

_CHINESE_ID: Final = re.compile(
    r"(?<![\dA-Za-z])[1-9]\d{5}(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx]"
    r"(?![\dA-Za-z])"
)
_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)  # GB 11643
_CHECKS: Final = "10X98765432"
_SOCIAL_SECURITY: Final = re.compile(
    r"(?<![\w-])(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w-])", re.ASCII
)
_SAID_TO_BE_PAPER: Final = re.compile(
    r"(?:身份证|护照|passport|driver'?s\s+licen[cs]e|ssn|social\s+security)"
    r"(?:\s?(?:号码?|no|number|id)\b\.?|号码?)?\s?(?:[:：是为#]|\bis\b)?\s?([A-Za-z]{0,2}\d{7,18}[Xx]?)(?!\w)",
    re.IGNORECASE | re.ASCII,
)
_PLATE: Final = re.compile(
    "[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼]"
    r"[A-HJ-NP-Z][·\s]?(?=[A-Z]{0,6}\d)[A-HJ-NP-Z0-9]{5,6}(?![A-Za-z0-9])"
)
_CARD: Final = re.compile(r"(?<![\w.-])[3-6]\d{3}(?:[ -]?\d){9,15}(?![\w]|[.-]\d)", re.ASCII)
_SAID_TO_BE_CARD: Final = re.compile(
    r"(?:卡号|银行卡|账号|帐号|\bcard\b|\baccount\b)", re.IGNORECASE
)
_IBAN: Final = re.compile(
    r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![A-Za-z0-9])"
)
NEAR: Final = 16  # characters


def find_papers(text: str) -> Iterator[Span]:
    """Identity cards, social security numbers, passports, number plates."""
    for match in _CHINESE_ID.finditer(text):
        if _is_chinese_id(match.group()):
            yield match.span()
    for pattern, group in ((_SOCIAL_SECURITY, 0), (_SAID_TO_BE_PAPER, 1), (_PLATE, 0)):
        for match in pattern.finditer(text):
            yield match.span(group)


def find_bank_accounts(text: str) -> Iterator[Span]:
    """Numbers of cards and accounts."""
    for match in _CARD.finditer(text):
        is_said = _SAID_TO_BE_CARD.search(text[max(match.start() - NEAR, 0) : match.start()])
        if is_said or passes_luhn(match.group()):
            yield match.span()
    for match in _IBAN.finditer(text):
        if _is_iban(match.group()):
            yield match.span()


def passes_luhn(number: str) -> bool:
    """ISO/IEC 7812: every second digit from the right doubled, the digits' sum divisible by 10."""
    digits = [int(letter) for letter in number if letter.isdigit()]
    doubled = (sum(divmod(2 * digit, 10)) for digit in digits[-2::-2])
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _is_chinese_id(number: str) -> bool:
    total = sum(int(digit) * weight for digit, weight in zip(number, _WEIGHTS, strict=False))
    return number[-1].upper() == _CHECKS[total % 11]


def _is_iban(found: str) -> bool:
    """ISO 13616: 1 modulo 97, with the first four characters at the end and letters as numbers."""
    number = found.replace(" ", "")
    moved = number[4:] + number[:4]
    return int("".join(str(int(letter, 36)) for letter in moved)) % 97 == 1
