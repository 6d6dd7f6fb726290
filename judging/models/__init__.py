"""Who decides by machine: judges, their runs and their judgments."""

from judging.models.batch import JudgeBatch
from judging.models.judge import Judge, JudgePrompt, JudgeQuerySet, PromptMode
from judging.models.judgment import Judgment, JudgmentMode, JudgmentQuerySet, JudgmentSource
from judging.models.kept_reply import KeptReply
from judging.models.probe import ProbeRun, ProbeTrial
from judging.models.run import JudgeRun, JudgeRunMode

__all__ = [
    "Judge",
    "JudgeBatch",
    "JudgePrompt",
    "JudgeQuerySet",
    "JudgeRun",
    "JudgeRunMode",
    "Judgment",
    "JudgmentMode",
    "JudgmentQuerySet",
    "JudgmentSource",
    "KeptReply",
    "ProbeRun",
    "ProbeTrial",
    "PromptMode",
]
