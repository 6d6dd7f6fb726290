"""Finding the chosen letter in a free answer, and refusing to guess."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

INVALID = "[invalid]"  # lm-eval's word for an answer without an answer


@dataclass(frozen=True, slots=True)
class Extractor:
    """A named way to read an answer; ``version`` travels with every score it made."""

    name: str
    version: int
    patterns: tuple[str, ...]
    takes_last: bool = True

    @property
    def identity(self) -> str:
        return f"{self.name}/{self.version}"

    def extract(self, answer: str, letters: Sequence[str]) -> str:
        """The letter that the first matching pattern names, or ``INVALID``."""
        allowed = "".join(re.escape(letter) for letter in letters)
        patterns = [pattern.replace("LETTERS", allowed) for pattern in self.patterns]
        return self._first(patterns, answer).upper() or INVALID

    def extract_name(self, answer: str, names: Sequence[str]) -> str:
        """The class that is named where a letter would stand, or ``INVALID``.

        Of names that hold each other the longest counts: "short video", not "video".
        """
        ordered = sorted(names, key=len, reverse=True)
        allowed = "|".join(re.escape(name) for name in ordered)
        patterns = [pattern.replace("NAMES", allowed) for pattern in _NAMED[self.name]]
        found = self._first(patterns, answer.translate(NARROW))
        return next((name for name in names if name.lower() == found.lower()), INVALID)

    def _first(self, patterns: Sequence[str], answer: str) -> str:
        for pattern in patterns:
            found = re.findall(pattern, answer, re.IGNORECASE | re.MULTILINE)
            if found:
                return str(found[-1 if self.takes_last else 0])
        return ""


# a letter counts only where it stands alone: "A" in "A plan" is an article
_MARKED = (
    r"ANSWER\s*[:：]?\s*\**\s*[\(\[（]?\s*([LETTERS])\b",
    r"(?:answer|choice|option)\s+(?:is|would be)\s*[:：]?\s*\**[\(\[（]?\s*([LETTERS])\b",
    r"(?:答案|选项|选择)\s*(?:是|为|应为|选)?\s*[:：]?\s*\**[\(\[（]?\s*([LETTERS])(?![a-z])",
    r"\\boxed\{\s*(?:\\text\{)?\s*([LETTERS])\s*\}",
)
_ALONE = (
    r"^\s*\**[\(\[（]?([LETTERS])[\)\]）]?\**\s*[\.、:：)]?\s*$",
    r"^\s*\**[\(\[（]?([LETTERS])[\)\]）\.、:：]",
)
_ANYWHERE = (r"[\(\[（]([LETTERS])[\)\]）]", r"(?<![A-Za-z])([LETTERS])(?![A-Za-z'’])")

# brackets that a model writes in either width
NARROW = str.maketrans("（）", "()")
_NAME_MARKED = (
    r"ANSWER\s*[:：]?\W*(NAMES)",
    r"(?:答案|类别|分类|选择)\s*(?:是|为|应为|选)?\W*(NAMES)",
    r"(?:answer|class|category)\s+(?:is|would be)\W*(NAMES)",
    r"^\W*(NAMES)\W*$",
)
_NAMED = {
    "marked": _NAME_MARKED,
    "lenient": (*_NAME_MARKED, r"(NAMES)"),
    "first_letter": (r"\A\W*(NAMES)",),
}

EXTRACTORS = {
    extractor.name: extractor
    for extractor in (
        Extractor("marked", 1, (*_MARKED, *_ALONE)),
        Extractor("lenient", 1, (*_MARKED, *_ALONE, *_ANYWHERE)),
        Extractor("first_letter", 1, (r"^\W*([LETTERS])(?![a-z])",), takes_last=False),
    )
}
DEFAULT_EXTRACTOR = "lenient"
