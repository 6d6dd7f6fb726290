"""The sequential test of all voters at once, in arrays: a million votes take about a second.

``outliers.outlier_test`` says the same of one voter, vote by vote, and which votes were strangest.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from arena.voting.outliers import (
    ALPHA,
    FEWEST_HISTORY,
    FEWEST_VOTES,
    MOST_VOTES,
    OutlierTest,
    Pair,
    PairVote,
    Tally,
)

Ids = NDArray[np.int64]
Flags = NDArray[np.bool_]
Reals = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class DecisiveVotes:
    """Parallel arrays of shape (votes,), in the order cast; ``first`` is the smaller of both
    models' ids.
    """

    voter: Ids
    first: Ids
    second: Ids
    is_first_better: Flags

    def of(self, voter: int) -> list[PairVote]:
        rows = np.flatnonzero(self.voter == voter)
        return [
            PairVote((int(self.first[row]), int(self.second[row])), bool(self.is_first_better[row]))
            for row in rows
        ]

    def history(self) -> dict[Pair, Tally]:
        pairs, place = self._pairs()
        wins, losses = _wins_and_losses(place, self.is_first_better)
        return {
            (int(first), int(second)): Tally(int(won), int(lost))
            for (first, second), won, lost in zip(pairs, wins, losses, strict=True)
        }

    def _pairs(self) -> tuple[Ids, Ids]:
        """The pairs, of shape (pairs, 2), and where among them each vote's is."""
        _, rows, place = np.unique(
            self.first * (self.second.max(initial=0) + 1) + self.second,
            return_index=True,
            return_inverse=True,
        )
        return np.column_stack((self.first[rows], self.second[rows])), place

    def tests(self, *, alpha: float = ALPHA) -> dict[int, OutlierTest]:
        """By voter, of those with enough votes; without the strangest votes."""
        if not self.voter.size:
            return {}
        order = np.argsort(self.voter, kind="stable")
        voters, seat, cast = np.unique(self.voter[order], return_inverse=True, return_counts=True)
        place = self._pairs()[1][order]
        evidence_up, evidence_down, is_usable = _evidence(seat, place, self.is_first_better[order])
        seat = seat[is_usable]
        used = _rank_within(seat)
        kept = used <= MOST_VOTES
        seat, used = seat[kept], used[kept]
        running = np.maximum(
            _running_sum(evidence_up[is_usable][kept], seat, used),
            _running_sum(evidence_down[is_usable][kept], seat, used),
        )
        running[used < FEWEST_VOTES] = 0.0
        best, n_used = np.zeros(voters.size), np.bincount(seat, minlength=voters.size)
        np.maximum.at(best, seat, running)
        stopped = np.full(voters.size, MOST_VOTES + 1)
        is_beyond = running > math.log(2 / alpha)
        np.minimum.at(stopped, seat[is_beyond], used[is_beyond])
        return {
            int(voters[row]): OutlierTest(
                int(n_used[row]),
                float(best[row]),
                int(stopped[row]) if stopped[row] <= MOST_VOTES else None,
            )
            for row in np.flatnonzero(cast >= FEWEST_VOTES)
        }


def _evidence(seat: Ids, place: Ids, is_first_better: Flags) -> tuple[Reals, Reals, Flags]:
    """ln 1/(2p) of each vote on either side, and whether others have voted on its pair enough."""
    wins, losses = _wins_and_losses(place, is_first_better)
    own = np.unique(seat * (place.max() + 1) + place, return_inverse=True)[1]
    own_wins, own_losses = _wins_and_losses(own, is_first_better)
    # of others, and then with the vote itself, which is its own witness
    won, lost = wins[place] - own_wins[own], losses[place] - own_losses[own]
    is_usable = won + lost >= FEWEST_HISTORY
    won, lost = won + is_first_better, lost + ~is_first_better
    share = np.where(is_first_better, won, lost) / (won + lost)
    ordinary, strange = -math.log(2), -np.log(2 * share)
    return (
        np.where(is_first_better, ordinary, strange),
        np.where(is_first_better, strange, ordinary),
        is_usable,
    )


def _wins_and_losses(place: Ids, is_first_better: Flags) -> tuple[Ids, Ids]:
    votes, wins = np.bincount(place), np.bincount(place, weights=is_first_better)
    wins = np.rint(wins).astype(np.int64)
    return wins, votes - wins


def _rank_within(seat: Ids) -> Ids:
    """1, 2, 3… along each run of equal numbers."""
    is_start = np.r_[True, seat[1:] != seat[:-1]] if seat.size else np.zeros(0, dtype=bool)
    starts = np.flatnonzero(is_start)
    return np.arange(seat.size) - np.repeat(starts, np.diff(np.r_[starts, seat.size])) + 1


def _running_sum(values: Reals, seat: Ids, used: Ids) -> Reals:
    """Sums from the first row of each run; ``used`` numbers the rows of a run from 1."""
    total = np.cumsum(values)
    starts = np.flatnonzero(used == 1)
    before = total[starts] - values[starts]
    return total - np.repeat(before, np.diff(np.r_[starts, seat.size]))
