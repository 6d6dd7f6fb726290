"""What is compared: models, questions, answers, battles and votes."""

from arena.models.answer import Answer, AnswerOrigin, GenerationRun
from arena.models.battle import (
    Battle,
    BattleOrigin,
    Exclusion,
    Outcome,
    Side,
    Vote,
    Voter,
    VoteSource,
)
from arena.models.language_model import Endpoint, LanguageModel
from arena.models.license import CommercialUse, License, LicenseFamily
from arena.models.question import Question, QuestionSet
from arena.models.work import Run, RunStatus, WorkItem, WorkStatus

__all__ = [
    "Answer",
    "AnswerOrigin",
    "Battle",
    "BattleOrigin",
    "CommercialUse",
    "Endpoint",
    "Exclusion",
    "GenerationRun",
    "LanguageModel",
    "License",
    "LicenseFamily",
    "Outcome",
    "Question",
    "QuestionSet",
    "Run",
    "RunStatus",
    "Side",
    "Vote",
    "VoteSource",
    "Voter",
    "WorkItem",
    "WorkStatus",
]
