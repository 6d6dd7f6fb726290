"""Published rankings: boards, their snapshots, the ratings in them."""

from leaderboard.models.board import Board
from leaderboard.models.snapshot import Rating, Snapshot

__all__ = ["Board", "Rating", "Snapshot"]
