"""Length-preferring judge: the longer answer is the better one.

The baseline that a real judge has to beat: on AlpacaEval's human labels "longest wins" agrees with
62.2 % of choices. Deterministic and free, for tests, demos and probes.
"""

from dataclasses import dataclass
from typing import ClassVar

from judging.judges import JUDGES
from judging.judges.base import Ask, JudgeSettingsError, Verdict
from judging.judges.plain import OfflineJudge
from judging.task import JudgingTask
from judging.verdicts.base import Mode, Outcome, ParsedVerdict


@dataclass(frozen=True, slots=True)
class LengthSettings:
    """``tie_within`` characters of difference are a tie.

    A single answer gets 1 when empty and 10 from ``full_score_characters`` on, in proportion
    between.
    """

    tie_within: int = 0
    full_score_characters: int = 2_000

    def __post_init__(self) -> None:
        if self.full_score_characters < 1:
            raise JudgeSettingsError(
                f"full_score_characters is {self.full_score_characters}; it must be at least 1"
            )


@JUDGES.register("length_preferring")
@dataclass(frozen=True, slots=True)
class LengthPreferringJudge(OfflineJudge):
    """Counts characters over the turns that are shown."""

    settings: LengthSettings
    kind: ClassVar[str] = "length_preferring"
    options: ClassVar[type] = LengthSettings

    async def judge(self, task: JudgingTask, ask: Ask) -> Verdict:
        """Compare lengths; the order shown makes no difference."""
        length_a = count_characters(task.answers_a[: task.shown_turns])
        if task.mode is Mode.SINGLE:
            share = min(length_a / self.settings.full_score_characters, 1.0)
            text = f"The answer has {length_a} characters."
            return Verdict(parsed=ParsedVerdict(score=1 + 9 * share), raw_text=text)
        length_b = count_characters(task.answers_b[: task.shown_turns])
        outcome = Outcome.MODEL_A if length_a > length_b else Outcome.MODEL_B
        if abs(length_a - length_b) <= self.settings.tie_within:
            outcome = Outcome.TIE
        text = f"Side a has {length_a} characters, side b {length_b}."
        return Verdict(parsed=ParsedVerdict(outcome=outcome), raw_text=text)


def count_characters(turns: tuple[str, ...]) -> int:
    """Characters over all turns."""
    return sum(len(turn) for turn in turns)
