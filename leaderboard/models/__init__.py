"""Published rankings: boards, their snapshots, the ratings in them."""

from leaderboard.models.board import Board
from leaderboard.models.evidence import Evidence
from leaderboard.models.live import LiveState
from leaderboard.models.peers import PeerExamination
from leaderboard.models.question_facts import QuestionFacts
from leaderboard.models.snapshot import Rating, Snapshot

__all__ = [
    "Board",
    "Evidence",
    "LiveState",
    "PeerExamination",
    "QuestionFacts",
    "Rating",
    "Snapshot",
]
