"""How far a voter has come."""

from __future__ import annotations

from dataclasses import dataclass

from arena.models import InviteRound, Voter
from arena.voting.rounds import OwnProgress, own_progress
from arena.voting.statements import votes_of

PERSONAL_BOARD_FROM = 20


@dataclass(frozen=True, slots=True)
class Progress:
    """``counted`` are those of the ``votes`` that boards count, known up to the number that a
    personal board needs; ``until_board`` is how many are missing for it. ``of_round`` is how far
    the voter is in a closed round.
    """

    votes: int
    counted: int
    of_round: OwnProgress | None = None

    @property
    def until_board(self) -> int:
        return max(PERSONAL_BOARD_FROM - self.counted, 0)

    @property
    def left_out(self) -> int:
        """Votes that do not bring the board nearer, while it is being waited for."""
        return self.votes - self.counted if self.until_board else 0

    @property
    def percent(self) -> int:
        return min(100 * self.counted // PERSONAL_BOARD_FROM, 100)


def progress_of(voter: Voter, invite: InviteRound | None = None) -> Progress:
    """The voter's votes in all, and how far they are in the round if they take part in one."""
    votes = votes_of(voter.pk, limit=PERSONAL_BOARD_FROM)
    if invite is None:
        return Progress(*votes)
    return Progress(*votes, own_progress(invite, voter))
