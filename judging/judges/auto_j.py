"""Auto-J: a 13B model tuned to compare and to rate (Li et al. 2023, "Generative Judge…").

A comparison ends in "the final decision is Response 1", "Response 2" or "Tie", a critique in
``Rating: [[n]]``. It was tuned on Llama's ``[INST]`` marks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from judging.judges import JUDGES
from judging.judges.base import JudgeContext, Settings, read_options
from judging.judges.chat import ChatJudge
from judging.judges.tuned import TunedSettings, tuned_prompts
from judging.verdicts.base import Mode

CONVENTIONS = {Mode.PAIRWISE: "auto_j", Mode.SINGLE: "auto_j_single"}
PROMPTS = {Mode.PAIRWISE: "auto_j_pair", Mode.SINGLE: "auto_j_single"}


@JUDGES.register("auto_j")
@dataclass(frozen=True, slots=True)
class AutoJJudge(ChatJudge):
    """Pairs, and scores from 1 to 10."""

    @classmethod
    def from_settings(cls, settings: Settings, context: JudgeContext) -> Self:
        """Look the prompts up."""
        chosen = read_options(TunedSettings, settings, "auto_j")
        prompts = tuned_prompts(chosen, context, CONVENTIONS, PROMPTS)
        return cls(prompts=prompts, settings=chosen.chat())
