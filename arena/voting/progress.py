"""How far a voter has come."""

from __future__ import annotations

from dataclasses import dataclass

from arena.models import Voter

PERSONAL_BOARD_FROM = 20


@dataclass(frozen=True, slots=True)
class Progress:
    """``until_board`` is how many votes are missing for a personal board."""

    votes: int

    @property
    def until_board(self) -> int:
        return max(PERSONAL_BOARD_FROM - self.votes, 0)

    @property
    def percent(self) -> int:
        return min(100 * self.votes // PERSONAL_BOARD_FROM, 100)


def progress_of(voter: Voter) -> Progress:
    return Progress(voter.votes.count())
