"""Spending where it narrows the board most: strengths so far, what to judge next, when to stop.

Pure: columns of verdicts in, a choice or a decision out.
"""

from judging.adaptive.design import Candidates, choose_judgments
from judging.adaptive.forecast import Forecast, forecast
from judging.adaptive.looks import Goal, Look, batch_size, look_at
from judging.adaptive.noise import ASSUMED_NOISE, Noise, noise_of
from judging.adaptive.strengths import POINTS_PER_LOGIT, Strengths, Verdicts, fit_strengths

__all__ = [
    "ASSUMED_NOISE",
    "POINTS_PER_LOGIT",
    "Candidates",
    "Forecast",
    "Goal",
    "Look",
    "Noise",
    "Strengths",
    "Verdicts",
    "batch_size",
    "choose_judgments",
    "fit_strengths",
    "forecast",
    "look_at",
    "noise_of",
]
