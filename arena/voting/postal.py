"""Postal addresses in texts, as people write them: English, Chinese, German, French.

No library at hand finds them in running text in Chinese and English alike, so these rules look for
a house number beside a street word, a post-office box, or a town beside its code. They err on the
side of replacing too much of a line that holds an address.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_NAME = r"[A-Z][\w.'’-]{0,24}"
_STREET = re.sub(
    r"\b([a-z])",
    lambda first: f"[{first[1].upper()}{first[1]}]",
    "street|st|avenue|ave|road|rd|boulevard|blvd|lane|ln|drive|dr|court|ct|square|sq|terrace|ter|"
    "way|place|pl|crescent|highway|hwy|parkway|pkwy|freeway|fwy|loop|circle|cir|trail|plaza|row|"
    "mews|close|gardens|broadway",
)
_STATES = (
    "AL AK AZ AR CA CO CT DE DC FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ "
    "NM NY NC ND OH OK OR PA RI SC SD TN TX UT VT VA WA WV WI WY"
).replace(" ", "|")
_US_CODE = r"\d{5}(?:-\d{4})?\b"
_UK_CODE = r"[A-Z]{1,2}\d[A-Z\d]?\s?\d[A-Z]{2}\b"
_TOWN = rf"(?:,?\s+{_NAME}(?:\s{_NAME}){{0,3}}?)"
_TAIL = (  # up to the code where there is one, else a town or two behind commas
    rf"(?:{_TOWN}{{0,2}}?[,\s]+(?:{_US_CODE}|{_UK_CODE})"
    rf"|(?:,\s+{_NAME}(?:\s{_NAME}){{0,2}}){{0,2}})"
)
_UNIT = r"(?:,?\s+(?:[Aa]pt|[Aa]partment|[Ss]uite|[Ss]te|[Uu]nit|[Ff]lat|[Rr]oom|#)\.?\s*\w{1,6})?"
_FLOOR = r"(?:,?\s+\d{1,3}(?:st|nd|rd|th)\s+[Ff]loor)?"

_PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"\b\d{{1,5}}[A-Za-z]?\s+(?:(?:{_NAME}|\d{{1,3}}(?:st|nd|rd|th))\s+){{1,5}}(?:{_STREET})\b"
        rf"\.?(?:\s+(?:N|S|E|W|NE|NW|SE|SW)\b)?{_UNIT}{_FLOOR}{_UNIT}{_TAIL}",
        rf"\b[Pp]\.?\s?[Oo]\.?\s?[Bb]ox\s+\d{{1,6}}{_TAIL}",
        rf"\b(?:{_NAME}\s){{0,2}}{_NAME},\s+(?:{_STATES})\s+{_US_CODE}",
        r"\b[A-Z]{1,2}\d[A-Z\d]?\s\d[A-Z]{2}\b",
        # a district, or the street alone; the number may be within a lane
        r"(?:[\u4e00-\u9fff]{2,24}[区县區縣][\u4e00-\u9fff]{1,12}(?:路|街|道|巷|弄|胡同|园|村|里|段)"
        r"|[\u4e00-\u9fff]{2,6}(?:大街|大道|胡同|路|街))\s?(?:\d{1,4}[巷弄]){0,2}\d{1,5}\s?[号號](?![线線])"
        r"(?:[\u4e00-\u9fff]{0,12}\d{1,4}(?:室|单元|單元|栋|棟|号楼|號樓|层|樓))*",
        r"\b[A-ZÄÖÜ][a-zäöüß-]{2,30}(?:straße|strasse|str\.|weg|platz|allee|gasse)\s+\d{1,4}[a-z]?\b"
        r"(?:,?\s+\d{5}\s+[A-ZÄÖÜ][\w-]+)?",
        r"\b[A-ZÄÖÜ][\w-]{2,30}(?:\s[\wÄÖÜäöü-]{2,30}){0,3}\s\d{1,4}[a-z]?,\s+\d{5}\s+[A-ZÄÖÜ][\w-]+",
        r"\b\d{1,4}(?:\s?bis|\s?ter)?,?\s+(?:rue|avenue|boulevard|place|chemin|impasse|allée|quai)\s+"
        r"(?:(?:de|du|des|la|le|l'|l’|d'|d’)\s?){0,3}[A-ZÉÈ][\w'’-]+(?:\s[A-ZÉÈ][\w'’-]+){0,3}"
        r"(?:,?\s+\d{5}\s+[A-ZÉÈ][\w-]+)?",
    )
)
_COULD_BE = re.compile(r"\d")


def find_postal_addresses(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each, pattern by pattern; they may overlap."""
    if _COULD_BE.search(text):
        for pattern in _PATTERNS:
            for match in pattern.finditer(text):
                yield match.span()
