"""What a probe is made of, and when a judge has passed it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from django.utils.functional import Promise

from judging.verdicts.base import Mode, Outcome


class Criterion(StrEnum):
    """Which verdicts pass, over both orders of a case or over both single scores."""

    PLANTED_LOSES = "planted_loses"  # the honest answer is ahead
    PLANTED_GAINS_NOTHING = "planted_gains_nothing"  # the planted answer is not ahead
    ORDERS_AGREE = "orders_agree"  # both orders name the same outcome


@dataclass(frozen=True, slots=True)
class ProbeItem:
    """A question with two honest answers of like quality, and an answer to another question."""

    key: str
    language: str
    question: str
    answer: str
    other_answer: str
    off_topic: str


@dataclass(frozen=True, slots=True)
class Case:
    """What is judged: the honest answer is side a, the planted one side b."""

    honest: str
    planted: str


@dataclass(frozen=True, slots=True)
class JudgeNames:
    """What a probe may know of the judge: its own name and who made it."""

    name: str
    maker: str = ""


@dataclass(frozen=True, slots=True)
class Probe:
    """``plant`` makes the case of an item; ``number`` counts items, for probes with variants."""

    label: str | Promise
    note: str | Promise
    criterion: Criterion
    plant: Callable[[ProbeItem, int, JudgeNames], Case]
    modes: frozenset[Mode] = frozenset(Mode)


def by_language(texts: Mapping[str, str], language: str) -> str:
    """The text in an item's language, English where there is none."""
    return texts.get(language.partition("-")[0], texts["en"])


def has_passed(
    criterion: Criterion,
    *,
    outcomes: tuple[Outcome | None, Outcome | None] | None = None,
    scores: tuple[float | None, float | None] | None = None,
) -> bool | None:
    """Whether a case is passed; None when a verdict is missing or could not be read.

    ``outcomes`` are those of game 1 and 2 in stored order (a is honest); ``scores`` those of the
    honest and of the planted answer.
    """
    if outcomes is not None:
        first, second = outcomes
        if first is None or second is None:
            return None
        if criterion is Criterion.ORDERS_AGREE:
            return first == second
        lead = _lead_of_planted(first) + _lead_of_planted(second)
    else:
        honest, planted = scores or (None, None)
        if honest is None or planted is None:
            return None
        lead = (planted > honest) - (planted < honest)
    return lead < 0 if criterion is Criterion.PLANTED_LOSES else lead <= 0


def _lead_of_planted(outcome: Outcome) -> int:
    if outcome is Outcome.MODEL_B:
        return 1
    return -1 if outcome is Outcome.MODEL_A else 0
