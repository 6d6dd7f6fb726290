"""Style features of an answer, as style control counts them.

Counting rules of FastChat's style control (add_markdown_info): fenced code is removed first;
headers are one to six ``#`` at the start of a line, list items start a line with ``1.`` or one of
``-*+``, bold is ``**…**`` or ``__…__``. Length is in characters and in words; languages without
spaces count each CJK character as a word.
"""

import re
from collections.abc import Sequence
from typing import TypedDict

_FENCED_CODE = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_HEADER = re.compile(r"^#{1,6}\s", re.MULTILINE)
_ORDERED = re.compile(r"^\s*\d+\.\s", re.MULTILINE)
_UNORDERED = re.compile(r"^\s*[-*+]\s", re.MULTILINE)
_BOLD = re.compile(r"\*\*[^*\n]+\*\*|__[^_\n]+__")
_WORD = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\u3040-\u30ff\uac00-\ud7af]|[^\W_]+", re.UNICODE)


class StyleFeatures(TypedDict):
    """Counts over all turns of an answer."""

    characters: int
    words: int
    headers: int
    lists: int
    bold: int


def style_features(turns: Sequence[str]) -> StyleFeatures:
    """Count over all turns; markdown is counted outside fenced code, length everywhere."""
    text = "\n\n".join(turns)
    prose = _FENCED_CODE.sub("", text)
    return StyleFeatures(
        characters=sum(len(turn) for turn in turns),
        words=len(_WORD.findall(text)),
        headers=len(_HEADER.findall(prose)),
        lists=len(_ORDERED.findall(prose)) + len(_UNORDERED.findall(prose)),
        bold=len(_BOLD.findall(prose)),
    )
