"""Is a voter's record compatible with everybody else's? A test that may be read at any time.

Chiang et al. 2024 (Chatbot Arena), section 5.3: for each vote a p-value against the history of
that pair, combined over votes by a statistic whose error holds at whatever moment one looks.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

ALPHA = 0.05
FEWEST_VOTES = 5
MOST_VOTES = 100
FEWEST_HISTORY = 12  # below 10 more than α of honest voters are flagged where all vote on one pair

Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Tally:
    """Decisive votes on a pair of models (smaller id first): won by the first, by the second."""

    first: int = 0
    second: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.first + other.first, self.second + other.second)

    def __sub__(self, other: Tally) -> Tally:
        return Tally(self.first - other.first, self.second - other.second)


@dataclass(frozen=True, slots=True)
class PairVote:
    """One decisive vote; ties take no side and are left out, as in the published code."""

    pair: Pair
    is_first_better: bool

    @property
    def tally(self) -> Tally:
        return Tally(int(self.is_first_better), int(not self.is_first_better))


@dataclass(frozen=True, slots=True)
class OutlierTest:
    """``log_evidence`` is the running maximum of ln ∏ 1/(2p) over both sides; an outlier exceeds
    ln(2/α), for the first time after ``stopped_at`` votes. ``strangest`` are the votes with the
    smallest p.
    """

    votes: int
    log_evidence: float
    stopped_at: int | None
    strangest: tuple[tuple[PairVote, float], ...] = ()

    @property
    def is_outlier(self) -> bool:
        return self.stopped_at is not None


def vote_p_values(vote: PairVote, others: Tally) -> tuple[float, float]:
    """p⁺ = share of results ≤ this vote, p⁻ = share of results ≥ it, this vote counted in.

    Counting the vote itself makes p valid for any length of history and never 0 (the published
    code leaves it out and divides by zero on a vote that nobody cast before).
    """
    all_votes = others + vote.tally
    total = all_votes.first + all_votes.second
    if vote.is_first_better:
        return 1.0, all_votes.first / total
    return all_votes.second / total, 1.0


def outlier_test(
    votes: Sequence[PairVote], history: Mapping[Pair, Tally], *, alpha: float = ALPHA
) -> OutlierTest:
    """Go through ``votes`` in the order cast and watch ∏ 1/(2p) of either side.

    ``history`` is everybody's counted votes; the voter's own are taken out, so that flooding a
    pair does not make the flood its own history. Pairs with fewer than ``FEWEST_HISTORY`` votes
    of others are skipped. With two possible results E[1/(2p)] = (2 − share of the rarer)/2 ≤ 1
    under the null hypothesis that the voter votes like the others, so by Ville's inequality the
    product ever exceeds 2/α with probability at most α/2 on each side, whenever one looks. That
    takes the history for the whole truth, but it is a sample, the same for all votes on a pair.
    By simulation of the worst case (100 votes on one pair, any share) 8.7 % of honest voters are
    flagged with a history of 5 votes, 4.9 % with 10, 4.1 % with 12 and 1.9 % with 30.
    """
    own: dict[Pair, Tally] = {}
    for vote in votes:
        own[vote.pair] = own.get(vote.pair, Tally()) + vote.tally
    log_up = log_down = best = 0.0
    used, stopped_at = 0, None
    strangest: list[tuple[PairVote, float]] = []
    for vote in votes:
        others = history.get(vote.pair, Tally()) - own[vote.pair]
        if others.first + others.second < FEWEST_HISTORY:
            continue
        used += 1
        p_up, p_down = vote_p_values(vote, others)
        log_up -= math.log(2 * p_up)
        log_down -= math.log(2 * p_down)
        strangest.append((vote, min(p_up, p_down)))
        if used >= FEWEST_VOTES:
            best = max(best, log_up, log_down)
        if stopped_at is None and best > math.log(2 / alpha):
            stopped_at = used
        if used == MOST_VOTES:
            break
    strangest.sort(key=lambda entry: entry[1])
    return OutlierTest(used, best, stopped_at, tuple(strangest[:5]))
