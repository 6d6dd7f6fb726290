"""Random judge: verdicts for a dry run, drawn per task from its seed.

They say nothing about the answers and are marked so that no board counts them.
"""

from dataclasses import dataclass
from typing import ClassVar

from judging.judges import JUDGES
from judging.judges.base import Ask, Verdict
from judging.judges.plain import OfflineJudge
from judging.task import JudgingTask
from judging.verdicts.base import Mode, Outcome, ParsedVerdict

_OUTCOMES = (Outcome.MODEL_A, Outcome.MODEL_B, Outcome.TIE)


@dataclass(frozen=True, slots=True)
class RandomSettings:
    """The scale of the random scores, both ends included."""

    lowest: int = 1
    highest: int = 10


@JUDGES.register("random")
@dataclass(frozen=True, slots=True)
class RandomJudge(OfflineJudge):
    """Every outcome and every score equally likely."""

    settings: RandomSettings
    is_dry_run: ClassVar[bool] = True
    kind: ClassVar[str] = "random"
    options: ClassVar[type] = RandomSettings

    async def judge(self, task: JudgingTask, ask: Ask) -> Verdict:
        """Draw, the same for the same task and seed."""
        generator = task.random("random judge")
        if task.mode is Mode.SINGLE:
            score = generator.randint(self.settings.lowest, self.settings.highest)
            parsed = ParsedVerdict(score=float(score))
            text = f"Dry run: a random score, {score}."
        else:
            outcome = generator.choice(_OUTCOMES)
            parsed = ParsedVerdict(outcome=outcome)
            text = f"Dry run: a random outcome, {outcome.value}."
        return Verdict(parsed=parsed, raw_text=text, is_dry_run=True)
