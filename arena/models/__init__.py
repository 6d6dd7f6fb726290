"""What is compared: models, questions, answers, battles and votes."""

from arena.models.answer import Answer, AnswerOrigin, GenerationRun
from arena.models.battle import (
    LIFTABLE,
    Battle,
    BattleOrigin,
    Exclusion,
    Outcome,
    Side,
    Vote,
    Voter,
    VoteSource,
)
from arena.models.kept import KeptFigures
from arena.models.language_model import Endpoint, LanguageModel
from arena.models.license import CommercialUse, License, LicenseFamily
from arena.models.question import Question, QuestionSet
from arena.models.release import VoteRelease
from arena.models.rendered import RenderedAnswer, RenderedQuestion
from arena.models.voting import (
    Annotator,
    Ballot,
    BallotStatus,
    ClearedAnswer,
    GoldBattle,
    IntegrityAction,
    InviteRound,
    ModerationMode,
    RoundBattle,
    SamplingMethod,
    SatisfactionRating,
    VoterSession,
    VotingPolicy,
)
from arena.models.work import Run, RunStatus, WorkItem, WorkStatus

__all__ = [
    "LIFTABLE",
    "Annotator",
    "Answer",
    "AnswerOrigin",
    "Ballot",
    "BallotStatus",
    "Battle",
    "BattleOrigin",
    "ClearedAnswer",
    "CommercialUse",
    "Endpoint",
    "Exclusion",
    "GenerationRun",
    "GoldBattle",
    "IntegrityAction",
    "InviteRound",
    "KeptFigures",
    "LanguageModel",
    "License",
    "LicenseFamily",
    "ModerationMode",
    "Outcome",
    "Question",
    "QuestionSet",
    "RenderedAnswer",
    "RenderedQuestion",
    "RoundBattle",
    "Run",
    "RunStatus",
    "SamplingMethod",
    "SatisfactionRating",
    "Side",
    "Vote",
    "VoteRelease",
    "VoteSource",
    "Voter",
    "VoterSession",
    "VotingPolicy",
    "WorkItem",
    "WorkStatus",
]
