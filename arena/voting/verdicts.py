"""What machine judges said, told by the room above through a hook: this room never asks upwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from arena.models import Battle


@dataclass(frozen=True, slots=True)
class JudgeVerdict:
    """One judge on one battle; ``outcome`` names the battle's sides, empty when they disagree."""

    judge: str
    outcome: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class JudgeScore:
    """One judge's mean single score of one model, with its interval, on the judge's scale."""

    judge: str
    model_id: int
    mean: float
    lower: float
    upper: float
    answers: int


VerdictSource = Callable[[Battle], list[JudgeVerdict]]
ScoreSource = Callable[[], list[JudgeScore]]
_verdict_sources: list[VerdictSource] = []
_score_sources: list[ScoreSource] = []


def register_verdict_source(source: VerdictSource) -> VerdictSource:
    """Decorate a function that knows judges' verdicts; import its module when the app is ready."""
    if source not in _verdict_sources:
        _verdict_sources.append(source)
    return source


def register_score_source(source: ScoreSource) -> ScoreSource:
    if source not in _score_sources:
        _score_sources.append(source)
    return source


def verdicts_on(battle: Battle) -> list[JudgeVerdict]:
    return [verdict for source in _verdict_sources for verdict in source(battle)]


def judge_scores() -> list[JudgeScore]:
    return [score for source in _score_sources for score in source()]
