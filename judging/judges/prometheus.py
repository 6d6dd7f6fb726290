"""Prometheus 2: models tuned to judge by a rubric (Kim et al. 2024, "Prometheus 2").

Feedback, then ``[RESULT]`` with A or B, or with a number from 1 to 5. A reference answer is shown
where the question has one. The rubric is a setting, so that one model judges by many criteria.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from judging.judges import JUDGES
from judging.judges.base import JudgeContext, Settings, read_options
from judging.judges.chat import ChatJudge
from judging.judges.tuned import TunedSettings, tuned_prompts
from judging.verdicts.base import Mode

CONVENTIONS = {Mode.PAIRWISE: "prometheus", Mode.SINGLE: "prometheus_single"}
PROMPTS = {Mode.PAIRWISE: "prometheus_pair", Mode.SINGLE: "prometheus_single"}


@dataclass(frozen=True, slots=True)
class PrometheusSettings(TunedSettings):
    """``rubric`` is the criterion in words; ours asks for correctness and usefulness."""

    rubric: str = ""


@JUDGES.register("prometheus")
@dataclass(frozen=True, slots=True)
class PrometheusJudge(ChatJudge):
    """Pairs without ties, and scores from 1 to 5."""

    @classmethod
    def from_settings(cls, settings: Settings, context: JudgeContext) -> Self:
        """Look the prompts up and put the rubric in."""
        chosen = read_options(PrometheusSettings, settings, "prometheus")
        prompts = tuned_prompts(chosen, context, CONVENTIONS, PROMPTS, rubric=chosen.rubric)
        return cls(prompts=prompts, settings=chosen.chat())
