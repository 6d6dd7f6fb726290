"""PandaLM: a 7B model tuned to compare two responses (Wang et al. 2023, "PandaLM").

Its reply begins with ``1``, ``2`` or ``Tie`` on a line of its own. It was tuned on bare text, so
its endpoint is best set to ``api: completions``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from judging.judges import JUDGES
from judging.judges.base import JudgeContext, Settings, read_options
from judging.judges.chat import ChatJudge
from judging.judges.tuned import TunedSettings, tuned_prompts
from judging.verdicts.base import PAIRWISE_ONLY, Mode

CONVENTIONS = {Mode.PAIRWISE: "pandalm"}
PROMPTS = {Mode.PAIRWISE: "pandalm_pair"}


@JUDGES.register("pandalm")
@dataclass(frozen=True, slots=True)
class PandaLMJudge(ChatJudge):
    """Pairs only."""

    modes: ClassVar[frozenset[Mode]] = PAIRWISE_ONLY

    @classmethod
    def from_settings(cls, settings: Settings, context: JudgeContext) -> Self:
        """Look the prompts up."""
        chosen = read_options(TunedSettings, settings, "pandalm")
        prompts = tuned_prompts(chosen, context, CONVENTIONS, PROMPTS)
        return cls(prompts=prompts, settings=chosen.chat())
