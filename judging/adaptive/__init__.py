"""Spending where it narrows the board most: strengths so far, what to judge next, when to stop.

Pure: columns of verdicts in, a choice or a decision out.
"""

from judging.adaptive.design import Candidates, choose_judgments
from judging.adaptive.looks import Goal, Look, batch_size, look_at
from judging.adaptive.strengths import POINTS_PER_LOGIT, Strengths, Verdicts, fit_strengths

__all__ = [
    "POINTS_PER_LOGIT",
    "Candidates",
    "Goal",
    "Look",
    "Strengths",
    "Verdicts",
    "batch_size",
    "choose_judgments",
    "fit_strengths",
    "look_at",
]
