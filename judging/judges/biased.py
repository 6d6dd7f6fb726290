"""Biased judge: planted preferences of known size, to prove that judge cards find them.

Per game, with probability ``first_position`` the answer shown first wins. Otherwise, alike in both
games of a pair: with probability ``longer`` the longer answer wins, otherwise with probability
``own_family`` the judge's own family (where exactly one side belongs to it), otherwise the
strengths decide by a Bradley-Terry draw. With even strengths and both games judged, the judge
prefers the first position with probability p + (1 - p) / 2, and the longer answer with probability
p / 2 + (1 - p) (l + (1 - l) / 2).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import exp
from typing import ClassVar

from judging.judges import JUDGES
from judging.judges.base import Ask, JudgeSettingsError, Verdict
from judging.judges.length_preferring import count_characters
from judging.judges.plain import OfflineJudge
from judging.task import JudgingTask
from judging.verdicts.base import Mode, Outcome, ParsedVerdict, UnreadableReason

_SCORE_AT_EVEN_STRENGTH = 5.5  # the middle of the scale from 1 to 10


@dataclass(frozen=True, slots=True)
class BiasedSettings:
    """Probabilities of each bias, and the models' strengths in logits (0 when not named).

    ``unreadable`` is the probability of a reply without a verdict; ``score_noise`` the standard
    deviation of single scores around 5.5 + strength, clipped to 1 to 10. ``confidence`` above 0 is
    what it says of every choice.
    """

    first_position: float = 0.0
    longer: float = 0.0
    own_family: float = 0.0
    unreadable: float = 0.0
    score_noise: float = 1.0
    confidence: float = 0.0
    family: str = ""
    strengths: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("first_position", "longer", "own_family", "unreadable", "confidence"):
            if not 0 <= getattr(self, name) <= 1:
                raise JudgeSettingsError(
                    f"{name} is {getattr(self, name)}; a probability lies between 0 and 1"
                )


@JUDGES.register("biased")
@dataclass(frozen=True, slots=True)
class BiasedJudge(OfflineJudge):
    """Draws that depend on the task and its seed alone."""

    settings: BiasedSettings
    kind: ClassVar[str] = "biased"
    options: ClassVar[type] = BiasedSettings

    async def judge(self, task: JudgingTask, ask: Ask) -> Verdict:
        """Decide by the first bias that applies."""
        if task.random("unreadable").random() < self.settings.unreadable:
            parsed = ParsedVerdict(reason=UnreadableReason.NO_VERDICT)
            return Verdict(parsed=parsed, raw_text="I would rather not decide.")
        if task.mode is Mode.SINGLE:
            return Verdict(parsed=ParsedVerdict(score=self._score(task)))
        cause, outcome = self._choice(task)
        parsed = ParsedVerdict(outcome=outcome, confidence=self.settings.confidence or None)
        return Verdict(parsed=parsed, details={"decided_by": cause})

    def _score(self, task: JudgingTask) -> float:
        centre = _SCORE_AT_EVEN_STRENGTH + self.settings.strengths.get(task.model_a, 0.0)
        noisy = task.random("score").gauss(centre, self.settings.score_noise)
        return min(max(noisy, 1.0), 10.0)

    def _choice(self, task: JudgingTask) -> tuple[str, Outcome]:
        if task.random("position").random() < self.settings.first_position:
            return "first_position", Outcome.MODEL_A if task.game == 1 else Outcome.MODEL_B
        content = task.random("content", is_per_game=False)
        likes_longer = content.random() < self.settings.longer
        likes_own = content.random() < self.settings.own_family
        strength_draw = content.random()
        difference = count_characters(task.answers_a) - count_characters(task.answers_b)
        if likes_longer and difference:
            return "longer", Outcome.MODEL_A if difference > 0 else Outcome.MODEL_B
        is_own_a = task.family_a == self.settings.family
        if likes_own and is_own_a != (task.family_b == self.settings.family):
            return "own_family", Outcome.MODEL_A if is_own_a else Outcome.MODEL_B
        strengths = self.settings.strengths
        gap = strengths.get(task.model_a, 0.0) - strengths.get(task.model_b, 0.0)
        wins_a = strength_draw < 1 / (1 + exp(-gap))
        return "strength", Outcome.MODEL_A if wins_a else Outcome.MODEL_B
