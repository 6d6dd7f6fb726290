"""What a figure means to somebody who reads along: yardsticks, and where a model stands on them.

Silent reading runs at 5 to 8 characters a second in Chinese and 3 to 5 words a second in English.
A first token is expected within 2 to 4 seconds; 100 ms per token feels fluent.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

CHINESE_CHARACTERS_PER_S = (5.0, 8.0)
ENGLISH_WORDS_PER_S = (3.0, 5.0)
FIRST_TOKEN_S = (2.0, 4.0)
FLUENT_TPOT_S = 0.100
CHARACTERS_PER_TOKEN_CHINESE = 1.5  # rule of thumb of recent multilingual tokenizers
WORDS_PER_TOKEN_ENGLISH = 0.75  # OpenAI's published rule of thumb

Language = Literal["zh", "en"]


class Pace(StrEnum):
    """How a stream compares with a reader."""

    SLOWER = "slower than reading"
    KEEPS_UP = "as fast as reading"
    FASTER = "faster than reading"


@dataclass(frozen=True, slots=True)
class ReaderView:
    """Units (characters or words) per second, against the range of readers."""

    units_per_s: float
    pace: Pace
    is_first_token_timely: bool
    is_first_token_tolerable: bool
    is_fluent: bool


def reader_view(ttft_s: float, tpot_s: float, language: Language) -> ReaderView:
    """What a reader of ``language`` meets at this TTFT and time per output token."""
    is_chinese = language == "zh"
    per_token = CHARACTERS_PER_TOKEN_CHINESE if is_chinese else WORDS_PER_TOKEN_ENGLISH
    slow, fast = CHINESE_CHARACTERS_PER_S if is_chinese else ENGLISH_WORDS_PER_S
    speed = per_token / tpot_s if tpot_s > 0 else float("inf")
    pace = Pace.SLOWER if speed < slow else Pace.FASTER if speed > fast else Pace.KEEPS_UP
    return ReaderView(
        units_per_s=speed,
        pace=pace,
        is_first_token_timely=ttft_s <= FIRST_TOKEN_S[0],
        is_first_token_tolerable=ttft_s <= FIRST_TOKEN_S[1],
        is_fluent=tpot_s <= FLUENT_TPOT_S,
    )
