"""Languages as the field's files write them, by English names, and as they are kept here, by codes.

A language that is not listed stays as it was written, in either direction.
"""

from __future__ import annotations

from typing import Final

UNKNOWN: Final = "unknown"  # how those files say that nobody knows
_NAMES: Final = {
    "": UNKNOWN,
    "ar": "Arabic",
    "bg": "Bulgarian",
    "ca": "Catalan",
    "cs": "Czech",
    "da": "Danish",
    "de": "German",
    "el": "Greek",
    "en": "English",
    "es": "Spanish",
    "et": "Estonian",
    "fa": "Persian",
    "fi": "Finnish",
    "fr": "French",
    "he": "Hebrew",
    "hi": "Hindi",
    "hr": "Croatian",
    "hu": "Hungarian",
    "id": "Indonesian",
    "it": "Italian",
    "ja": "Japanese",
    "ko": "Korean",
    "lt": "Lithuanian",
    "lv": "Latvian",
    "ms": "Malay",
    "nl": "Dutch",
    "no": "Norwegian",
    "pl": "Polish",
    "pt": "Portuguese",
    "ro": "Romanian",
    "ru": "Russian",
    "sk": "Slovak",
    "sl": "Slovenian",
    "sr": "Serbian",
    "sv": "Swedish",
    "th": "Thai",
    "tr": "Turkish",
    "uk": "Ukrainian",
    "vi": "Vietnamese",
    "zh": "Chinese",
}
_CODES: Final = {name.lower(): code for code, name in _NAMES.items()}


def language_name(code: str) -> str:
    return _NAMES.get(code, code)


def language_code(written: str) -> str:
    return _CODES.get(written.strip().lower(), written)


def spellings_of(language: str) -> set[str]:
    """As rows may have it: those of imports from before codes were kept hold names."""
    code = language_code(language)
    return {language, code, language_name(code)} - {UNKNOWN}
