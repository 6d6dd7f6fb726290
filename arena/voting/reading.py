"""How long a battle takes to read, at least. A vote below that is marked, never refused."""

from __future__ import annotations

import re

CJK_WEIGHT = 3.0  # a Chinese character carries about as much as three Latin letters
_WIDE = re.compile("[\u2e80-\u9fff\uac00-\U0010ffff]+")


def reading_weight(text: str) -> float:
    """Characters, with Chinese, Japanese and Korean ones counted threefold."""
    wide = 0 if text.isascii() else sum(map(len, _WIDE.findall(text)))
    return len(text) + (CJK_WEIGHT - 1) * wide


def minimum_reading_s(
    weight: float, *, characters_per_second: float, at_least_s: float, at_most_s: float = 12.0
) -> float:
    """Seconds below which nobody can have skimmed both answers of that weight together.

    A quarter of reading them through. Capped: a glance at two very long answers may settle them.
    """
    return min(max(at_least_s, weight / characters_per_second / 4), at_most_s)
