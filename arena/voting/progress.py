"""How far a voter has come."""

from __future__ import annotations

from dataclasses import dataclass

from arena.models import InviteRound, Voter
from arena.voting.rounds import own_progress
from arena.voting.statements import votes_of

PERSONAL_BOARD_FROM = 20


@dataclass(frozen=True, slots=True)
class Progress:
    """``until_board`` is how many votes are missing for a personal board; in a closed round
    ``done`` of ``assigned`` battles are behind the voter.
    """

    votes: int
    done: int = 0
    assigned: int = 0

    @property
    def until_board(self) -> int:
        return max(PERSONAL_BOARD_FROM - self.votes, 0)

    @property
    def percent(self) -> int:
        return min(100 * self.votes // PERSONAL_BOARD_FROM, 100)

    @property
    def percent_of_round(self) -> int:
        return 100 * self.done // self.assigned if self.assigned else 0


def progress_of(voter: Voter, invite: InviteRound | None = None) -> Progress:
    """The voter's votes in all, and how far they are in the round if they take part in one."""
    if invite is None:
        return Progress(votes_of(voter.pk))
    return Progress(votes_of(voter.pk), *own_progress(invite, voter))
