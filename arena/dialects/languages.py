"""Languages as the field's files write them, by English names, and as they are kept here, by codes.

A language that is not listed stays as it was written, in either direction.
"""

from __future__ import annotations

from typing import Final

from django.conf.locale import LANG_INFO

UNKNOWN: Final = "unknown"  # how those files say that nobody knows
# Django's table knows Chinese by its scripts and Norwegian by its standards only
_NAMES: Final[dict[str, str]] = {"": UNKNOWN, "no": "Norwegian", "zh": "Chinese"} | {
    code: info["name"] for code, info in LANG_INFO.items() if len(code) == 2 and "name" in info
}
_CODES: Final[dict[str, str]] = {name.lower(): code for code, name in _NAMES.items()}


def language_name(code: str) -> str:
    return _NAMES.get(code, code)


def language_code(written: str) -> str:
    return _CODES.get(written.strip().lower(), written)


def spellings_of(language: str) -> set[str]:
    """As rows may have it: those of imports from before codes were kept hold names."""
    code = language_code(language)
    return {language, code, language_name(code)} - {UNKNOWN}
